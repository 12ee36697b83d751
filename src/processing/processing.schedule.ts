import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { deleteExpiredKeys } from '../idempotency/idempotency';
import { compactOrderCounters } from '../orders/order-counters';
import { Queue } from '../queue/queue';
import { Timers } from '../scheduling/timers';
import { DueOrders, PROCESS_ORDER, type ProcessOrderJob } from './due-orders';
import { OrderProcessor } from './order-processor';

/** Seconds between two looks for orders whose lease has run out. */
const RECOVERY_SECONDS = 5;

/** Seconds between two clearances of what is kept for a while only. */
const HOUSEKEEPING_SECONDS = 3_600;

/** Seconds between two foldings of the tallies: what is added in between is summed up by every list. */
const FOLDING_SECONDS = 10;

/** Milliseconds that running orders get to finish at a shutdown, before they are given back. */
const PATIENCE = 5_000;

/** Starts what runs by itself: workers and timers. */
@Injectable()
export class ProcessingSchedule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly config: Config,
    private readonly queue: Queue,
    private readonly timers: Timers,
    private readonly dueOrders: DueOrders,
    private readonly processor: OrderProcessor,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.declare(PROCESS_ORDER, { oncePerKey: true });
    if (this.config.SERVICE_ROLE === 'api') return;
    await this.queue.work<ProcessOrderJob>(PROCESS_ORDER, this.config.PROCESSING_CONCURRENCY, ({ order_id }) =>
      this.processor.process(order_id, this.stopping.signal),
    );
    this.timers.start('sweep', this.config.PROCESSING_INTERVAL_SECONDS, () => this.dueOrders.enqueueDue());
    this.timers.start('idempotency-keys', HOUSEKEEPING_SECONDS, (stopping) =>
      deleteExpiredKeys(this.manager, stopping),
    );
    this.timers.start('order-tallies', FOLDING_SECONDS, () => compactOrderCounters(this.manager));
    this.timers.start('recovery', RECOVERY_SECONDS, () => this.dueOrders.enqueueExpired());
  }

  /** Lets running orders finish, and gives back those that take too long; no new ones are taken. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.config.SERVICE_ROLE === 'api') return;
    const cutOff = setTimeout(() => this.stopping.abort(), PATIENCE);
    await this.queue.drain(PROCESS_ORDER);
    clearTimeout(cutOff);
  }
}
