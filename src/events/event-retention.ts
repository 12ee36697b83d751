import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { cronOptions, EVERY_5_SECONDS, Timers } from '../scheduling/timers';
import { purgeEvents } from './event-log';

const PURGE_INTERVAL_SECONDS = 3_600;

/** Deletes events that are older than EVENTS_RETENTION_DAYS. */
@Injectable()
export class EventRetention {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly config: Config,
    private readonly timers: Timers,
  ) {}

  @Cron(EVERY_5_SECONDS, cronOptions('events'))
  purge(): Promise<void> {
    const { EVENTS_RETENTION_DAYS: days } = this.config;
    return this.timers.runIfDue('events', PURGE_INTERVAL_SECONDS, (stopping) =>
      purgeEvents(this.manager, days, stopping),
    );
  }
}
