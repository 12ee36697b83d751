import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { cronOptions, EVERY_5_SECONDS, Timers } from '../scheduling/timers';
import { deleteExpiredKeys } from './idempotency';

/** Seconds between two deletions of keys that have expired. */
const INTERVAL_SECONDS = 3_600;

/** The timer of idempotency keys. */
@Injectable()
export class IdempotencySchedule {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly timers: Timers,
  ) {}

  /** Deletes the keys that have expired. */
  @Cron(EVERY_5_SECONDS, cronOptions('idempotency-keys'))
  deleteExpired(): Promise<void> {
    return this.timers.runIfDue('idempotency-keys', INTERVAL_SECONDS, (stopping) =>
      deleteExpiredKeys(this.manager, stopping),
    );
  }
}
