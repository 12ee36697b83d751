import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from './auth/auth.module';
import { ClientsModule } from './clients/clients.module';
import type { Config } from './config/config';
import { ConfigModule } from './config/config.module';
import { DatabaseModule } from './database/database.module';
import { EventsModule } from './events/events.module';
import { FeedModule } from './feed/feed.module';
import { HealthModule } from './health/health.module';
import { IdempotencyModule } from './idempotency/idempotency.module';
import { MetricsModule } from './metrics/metrics.module';
import { NotificationsModule } from './notifications/notifications.module';
import { ProcessMetricsModule } from './observability/process-metrics';
import { OrdersModule } from './orders/orders.module';
import { ProcessingModule } from './processing/processing.module';
import { ProductsModule } from './products/products.module';
import { QueueModule } from './queue/queue.module';
import { SchedulingModule } from './scheduling/scheduling.module';
import { UsersModule } from './users/users.module';

/** The list of modules. */
@Module({
  imports: [
    ProcessMetricsModule,
    DatabaseModule,
    QueueModule,
    EventsModule,
    SchedulingModule,
    IdempotencyModule,
    UsersModule,
    ClientsModule,
    AuthModule,
    ProductsModule,
    NotificationsModule,
    OrdersModule,
    ProcessingModule,
    FeedModule,
    MetricsModule,
    HealthModule,
  ],
})
export class AppModule {
  static with(config: Config): DynamicModule {
    return { module: AppModule, imports: [ConfigModule.with(config)] };
  }
}
