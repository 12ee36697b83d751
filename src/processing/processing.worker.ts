import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../config/config';
import { Queue } from '../queue/queue';
import { PROCESS_ORDER, type ProcessOrderJob } from './due-orders';
import { OrderProcessor } from './order-processor';

/** Milliseconds that running orders get to finish at a shutdown, before they are released for other workers. */
const DRAIN_TIMEOUT_MS = 5_000;

/** Takes queued orders and has them processed, `PROCESSING_CONCURRENCY` at a time. */
@Injectable()
export class ProcessingWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(
    private readonly config: Config,
    private readonly queue: Queue,
    private readonly processor: OrderProcessor,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.declare(PROCESS_ORDER, { oncePerKey: true });
    if (this.config.SERVICE_ROLE === 'api') return;
    await this.queue.work<ProcessOrderJob>(PROCESS_ORDER, this.config.PROCESSING_CONCURRENCY, ({ order_id }) =>
      this.processor.process(order_id, this.stopping.signal),
    );
  }

  /** Takes no new orders, lets the running ones finish, and releases those that take too long. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.config.SERVICE_ROLE === 'api') return;
    const timeout = setTimeout(() => this.stopping.abort(), DRAIN_TIMEOUT_MS);
    await this.queue.drain(PROCESS_ORDER);
    clearTimeout(timeout);
  }
}
