import { Module } from '@nestjs/common';
import { OrderLifecycle } from './order-lifecycle';
import { OrdersController } from './orders.controller';
import { OrdersService } from './orders.service';
import { PlacementService } from './placement/placement.service';

@Module({
  controllers: [OrdersController],
  providers: [OrdersService, PlacementService, OrderLifecycle],
  exports: [OrdersService, OrderLifecycle],
})
export class OrdersModule {}
