import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type CronOptions, SchedulerRegistry } from '@nestjs/schedule';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { loggable } from '../errors/problem.filter';

/** For timers that may be due within a few seconds; {@link Timers} asks the database no more often than needed. */
export const EVERY_SECOND = '* * * * * *';
export const EVERY_5_SECONDS = '*/5 * * * * *';

/**
 * Options of every `@Cron`: no run overlaps the one before, and a tick that comes late, because the process was busy, runs
 * all the same.
 */
export const cronOptions = (name: string): CronOptions => ({ name, waitForCompletion: true, threshold: 60_000 });

/** Looks into the database at most this often, in milliseconds. A little less than a tick, which is never quite punctual. */
const lookIntervalMs = (seconds: number): number => Math.min(seconds, 5) * 1000 - 500;

/**
 * Runs the work of `@Cron` methods once across all processes: the row in `timers` decides whether it is due, and the
 * process that moves `last_run_at` forward runs it. No lock is held while the work runs, and the interval is kept when processes start at
 * different moments. The methods themselves run in processes with workers only: see {@link SchedulingModule}.
 */
@Injectable()
export class Timers implements OnModuleDestroy {
  private readonly logger = new Logger('timers');
  private readonly stopping = new AbortController();
  private readonly lastLooks = new Map<string, number>();

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly schedules: SchedulerRegistry,
  ) {}

  /**
   * Runs `work` unless any process did within the last `seconds`. The first process of all starts the timer: its work is due
   * an interval later. Never rejects: errors are logged without the values of queries, and the next tick tries again.
   * Work that may take long ends early when its signal says that the process is stopping.
   */
  async runIfDue(name: string, seconds: number, work: (stopping: AbortSignal) => Promise<unknown>): Promise<void> {
    const { signal } = this.stopping;
    const now = performance.now();
    const last = this.lastLooks.get(name);
    if (signal.aborted || (last !== undefined && now - last < lookIntervalMs(seconds))) return;
    this.lastLooks.set(name, now);
    try {
      if (last === undefined) {
        await this.manager.query('INSERT INTO timers VALUES ($1, now()) ON CONFLICT DO NOTHING', [name]);
      }
      if (await this.claim(name, seconds)) await work(signal);
    } catch (error) {
      // The row may not be there yet.
      if (last === undefined) this.lastLooks.delete(name);
      this.logger.warn({ timer: name, err: loggable(error) }, 'timer run failed');
    }
  }

  /**
   * Moves `last_run_at` forward; false when another process has. A time in the future, from a clock that has been set back,
   * means due. The minute is for a claim that waited for another one, which has a later time.
   */
  private async claim(name: string, seconds: number): Promise<boolean> {
    const [, claimed] = await this.manager.query(
      `UPDATE timers SET last_run_at = now() WHERE name = $1
         AND (last_run_at <= now() - $2 * interval '1 second' OR last_run_at > now() + interval '1 minute')`,
      [name, seconds],
    );
    return claimed > 0;
  }

  /** Stops all timers and waits for the runs that are under way. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.all([...this.schedules.getCronJobs().values()].map((job) => job.stop()));
  }
}
