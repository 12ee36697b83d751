import { Module } from '@nestjs/common';
import { OrderTransitions } from './order-transitions';
import { OrdersController } from './orders.controller';
import { OrdersService } from './orders.service';
import { PlaceOrder } from './place-order';

@Module({
  controllers: [OrdersController],
  providers: [OrdersService, PlaceOrder, OrderTransitions],
  exports: [OrderTransitions],
})
export class OrdersModule {}
