import { Module } from '@nestjs/common';
import { Config } from '../config/config';
import { OrdersModule } from '../orders/orders.module';
import { OrdersService } from '../orders/orders.service';
import { Gateway } from './gateway';
import { HttpGateway } from './http-gateway';
import { OrderProcessor } from './process-order';
import { ProcessingController } from './processing.controller';
import { ProcessingSchedule } from './schedule';
import { SimulatedGateway } from './simulated-gateway';
import { Sweep } from './sweep';

/** The gateway that the configuration asks for. */
function gatewayOf(config: Config, orders: OrdersService): Gateway {
  if (config.GATEWAY === 'simulated') return new SimulatedGateway(config.PROCESSING_DURATION_MS);
  const url = config.GATEWAY_URL as string;
  return new HttpGateway({ url, secret: config.GATEWAY_SECRET as string, timeout: config.GATEWAY_TIMEOUT_MS }, orders);
}

@Module({
  imports: [OrdersModule],
  controllers: [ProcessingController],
  providers: [
    Sweep,
    OrderProcessor,
    ProcessingSchedule,
    {
      provide: Gateway,
      inject: [Config, OrdersService],
      useFactory: gatewayOf,
    },
  ],
})
export class ProcessingModule {}
