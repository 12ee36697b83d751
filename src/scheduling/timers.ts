import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { loggable } from '../errors/problem.filter';

/**
 * Runs work at an interval, once across all processes: who moves `timers.last_run_at` forward runs it. A row needs no
 * lock to be held while the work runs, and keeps the interval also when processes start at different moments. In one
 * process a run never overlaps itself.
 */
@Injectable()
export class Timers implements OnModuleDestroy {
  private readonly logger = new Logger('timers');
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>[] = [];

  constructor(@InjectEntityManager() private readonly manager: EntityManager) {}

  /**
   * Starts a timer. `work` runs every `seconds` in one of the processes; its errors are logged, and it runs again.
   * Work that may take long ends early when its signal says that the process is stopping.
   */
  start(name: string, seconds: number, work: (stopping: AbortSignal) => Promise<unknown>): void {
    this.running.push(this.run(name, seconds, work));
  }

  private async run(name: string, seconds: number, work: (stopping: AbortSignal) => Promise<unknown>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.runIfDue(name, seconds, work);
      await setTimeout(Math.min(seconds, 5) * 1000, undefined, { signal }).catch(() => {});
    }
  }

  /** Runs `work` unless another process did within the last `seconds`. */
  private async runIfDue(
    name: string,
    seconds: number,
    work: (stopping: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    try {
      // The first process of all to look has the timer begin now.
      await this.manager.query('INSERT INTO timers VALUES ($1, now()) ON CONFLICT DO NOTHING', [name]);
      // The processes look every few seconds, so a run comes that much late at most.
      const [, claimed] = await this.manager.query(
        `UPDATE timers SET last_run_at = now() WHERE name = $1 AND last_run_at <= now() - $2 * interval '1 second'`,
        [name, seconds],
      );
      if (claimed > 0) await work(this.stopping.signal);
    } catch (error) {
      this.logger.warn({ timer: name, err: loggable(error) }, 'timer run failed');
    }
  }

  /** Stops all timers and waits for the run that is under way. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }
}
