import { Module } from '@nestjs/common';
import { Config } from '../config/config';
import { OrdersModule } from '../orders/orders.module';
import { Gateway } from './gateway';
import { OrderProcessor } from './process-order';
import { ProcessingController } from './processing.controller';
import { ProcessingSchedule } from './schedule';
import { SimulatedGateway } from './simulated-gateway';
import { Sweep } from './sweep';

@Module({
  imports: [OrdersModule],
  controllers: [ProcessingController],
  providers: [
    Sweep,
    OrderProcessor,
    ProcessingSchedule,
    {
      provide: Gateway,
      inject: [Config],
      useFactory: (config: Config) => new SimulatedGateway(config.PROCESSING_DURATION_MS),
    },
  ],
})
export class ProcessingModule {}
