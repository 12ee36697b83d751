import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module';
import { OrderLifecycle } from './order-lifecycle';
import { OrdersController } from './orders.controller';
import { OrdersSchedule } from './orders.schedule';
import { OrdersService } from './orders.service';
import { PlacementService } from './placement/placement.service';

@Module({
  imports: [UsersModule],
  controllers: [OrdersController],
  providers: [OrdersService, PlacementService, OrdersSchedule, OrderLifecycle],
  exports: [OrdersService, OrderLifecycle],
})
export class OrdersModule {}
