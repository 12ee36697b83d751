import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Config } from '../config/config';
import { cronOptions, EVERY_5_SECONDS, EVERY_SECOND, Timers } from '../scheduling/timers';
import { DueOrders } from './due-orders';

/** Seconds between two looks for orders whose lease has run out. */
const EXPIRED_LEASES_INTERVAL_SECONDS = 5;

/** The timers of background processing. */
@Injectable()
export class ProcessingSchedule {
  constructor(
    private readonly timers: Timers,
    private readonly dueOrders: DueOrders,
    private readonly config: Config,
  ) {}

  /** The sweep: queues every order that is due. */
  @Cron(EVERY_SECOND, cronOptions('sweep'))
  enqueueDue(): Promise<void> {
    return this.timers.runIfDue('sweep', this.config.PROCESSING_INTERVAL_SECONDS, () => this.dueOrders.enqueueDue());
  }

  /** Queues every order whose lease has run out. */
  @Cron(EVERY_5_SECONDS, cronOptions('recovery'))
  enqueueExpired(): Promise<void> {
    return this.timers.runIfDue('recovery', EXPIRED_LEASES_INTERVAL_SECONDS, () => this.dueOrders.enqueueExpired());
  }
}
