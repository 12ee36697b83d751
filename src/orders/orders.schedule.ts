import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { cronOptions, EVERY_5_SECONDS, Timers } from '../scheduling/timers';
import { compactOrderCounters } from './order-counters';

/** Seconds between two compactions: the rows that are added meanwhile are summed up by every list with totals. */
const COMPACTION_INTERVAL_SECONDS = 10;

/** The timers of orders. */
@Injectable()
export class OrdersSchedule {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly timers: Timers,
  ) {}

  /** Adds up the rows of `order_counters`. */
  @Cron(EVERY_5_SECONDS, cronOptions('order-counters'))
  compactCounters(): Promise<void> {
    return this.timers.runIfDue('order-counters', COMPACTION_INTERVAL_SECONDS, () =>
      compactOrderCounters(this.manager),
    );
  }
}
