import { Module } from '@nestjs/common';
import { Config } from '../config/config';
import { OrdersModule } from '../orders/orders.module';
import { OrdersService } from '../orders/orders.service';
import { DueOrders } from './due-orders';
import { FulfillmentGateway } from './fulfillment-gateway';
import { HttpFulfillmentGateway } from './http-fulfillment-gateway';
import { OrderProcessor } from './order-processor';
import { ProcessingController } from './processing.controller';
import { ProcessingSchedule } from './processing.schedule';
import { ProcessingWorker } from './processing.worker';
import { SimulatedFulfillmentGateway } from './simulated-fulfillment-gateway';

/** The gateway that the configuration asks for. */
function gatewayOf(config: Config, orders: OrdersService): FulfillmentGateway {
  if (config.GATEWAY === 'simulated') return new SimulatedFulfillmentGateway(config.PROCESSING_DURATION_MS);
  const url = config.GATEWAY_URL as string;
  return new HttpFulfillmentGateway(
    { url, secret: config.GATEWAY_SECRET as string, timeout: config.GATEWAY_TIMEOUT_MS },
    orders,
  );
}

@Module({
  imports: [OrdersModule],
  controllers: [ProcessingController],
  providers: [
    DueOrders,
    OrderProcessor,
    ProcessingSchedule,
    ProcessingWorker,
    {
      provide: FulfillmentGateway,
      inject: [Config, OrdersService],
      useFactory: gatewayOf,
    },
  ],
})
export class ProcessingModule {}
