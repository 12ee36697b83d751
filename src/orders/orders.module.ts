import { Module } from '@nestjs/common';
import { OrderTransitions } from './order-transitions';
import { OrdersController } from './orders.controller';
import { OrdersService } from './orders.service';
import { PlaceOrder } from './place-order';
import { PlacementBatches } from './placement-batches';

@Module({
  controllers: [OrdersController],
  providers: [OrdersService, PlaceOrder, PlacementBatches, OrderTransitions],
  exports: [OrdersService, OrderTransitions],
})
export class OrdersModule {}
