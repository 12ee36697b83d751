import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool } from 'pg';
import { Gauge, Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { loggable } from '../errors/problem.filter';
import { ProcessMetrics } from '../observability/process-metrics';
import { ORDER_STATUSES } from '../orders/order-status';
import { AVERAGED, type Business, BusinessMetrics } from './business-metrics';
import type { OrderMetricsResponse } from './metrics-response.dto';

/** Figures for operators: those of the database, and those of this process. */
@Injectable()
export class MetricsService {
  private readonly logger = new Logger('metrics');

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly business: BusinessMetrics,
    private readonly process: ProcessMetrics,
  ) {}

  /** All of them in the text format of Prometheus; without those of the database while it does not answer. */
  async prometheus(): Promise<string> {
    const registry = new Registry();
    const business = await this.business.read().catch((error) => {
      this.logger.warn({ err: loggable(error) }, 'metrics without the database');
    });
    if (business) this.setBusiness(registry, business);
    this.setPool(registry);
    return `${await registry.metrics()}\n${await this.process.registry.metrics()}`;
  }

  /** The orders in figures; times in seconds. */
  async orders(): Promise<OrderMetricsResponse> {
    const { orders, averageProcessing, oldestWaiting } = await this.business.read();
    return {
      total_orders: Object.values(orders).reduce((sum, count) => sum + count, 0),
      average_processing_time: averageProcessing,
      oldest_pending_seconds: oldestWaiting,
      pending_orders: orders.pending,
      paid_orders: orders.paid,
      processing_orders: orders.processing,
      completed_orders: orders.completed,
      failed_orders: orders.failed,
      cancelled_orders: orders.cancelled,
    };
  }

  private setBusiness(
    registry: Registry,
    { orders, averageProcessing, oldestWaiting, queues, outbox, eventLag, eventPosition }: Business,
  ): void {
    const byStatus = gauge(registry, 'orders', 'Orders by status.', ['status']);
    for (const status of ORDER_STATUSES) byStatus.set({ status }, orders[status]);
    gauge(registry, 'orders_oldest_waiting_seconds', 'Age of the oldest pending or paid order.').set(oldestWaiting);
    const mean = gauge(registry, 'orders_average_processing_seconds', `Over the latest ${AVERAGED} completed orders.`);
    mean.set(averageProcessing ?? Number.NaN);
    const waiting = gauge(registry, 'queue_jobs', 'Jobs that wait for a worker; of *.dead: given up.', ['queue']);
    const age = gauge(registry, 'queue_oldest_job_seconds', 'Age of the oldest of them.', ['queue']);
    for (const { name: queue, waiting: jobs, oldest } of queues) {
      waiting.set({ queue }, jobs);
      age.set({ queue }, oldest);
    }
    gauge(registry, 'outbox_events', 'Events that no relay has taken yet.').set(outbox);
    gauge(registry, 'event_log_lag_seconds', 'Age of the oldest of them.').set(eventLag);
    gauge(registry, 'event_log_position', 'Position of the latest event in the log.').set(eventPosition);
  }

  private setPool(registry: Registry): void {
    const pool = gauge(registry, 'database_pool', 'Connections of this process, and requests waiting for one.', [
      'state',
    ]);
    const { totalCount, idleCount, waitingCount } = (this.dataSource.driver as unknown as { master: Pool }).master;
    pool.set({ state: 'open' }, totalCount);
    pool.set({ state: 'idle' }, idleCount);
    pool.set({ state: 'waiting' }, waitingCount);
  }
}

const gauge = (registry: Registry, name: string, help: string, labelNames: string[] = []) =>
  new Gauge({ name, help, labelNames, registers: [registry] });
