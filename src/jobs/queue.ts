import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Job, PgBoss } from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { loggable } from '../common/problem-filter';
import { Config } from '../config/config';

/** Connections that the queue holds for itself, so that a burst of requests cannot starve the workers. */
const POOL_SIZE = 4;

/** Seconds for which finished jobs are kept: the tables of the domain tell what happened, the queue only transports. */
const KEEP_SECONDS = 300;

/** The one pg-boss of the process: every queued job goes through it. Jobs are delivered at least once. */
@Injectable()
export class Queue implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('queue');
  private readonly boss: PgBoss;

  constructor(config: Config) {
    this.boss = new PgBoss({
      connectionString: config.DATABASE_URL as string,
      application_name: 'orders-queue',
      max: POOL_SIZE,
      schedule: false,
      superviseIntervalSeconds: 60,
    });
    // Errors of its background loops: they are retried, and must not end the process.
    this.boss.on('error', (error) => this.logger.warn({ err: loggable(error) }, 'queue'));
  }

  async onModuleInit(): Promise<void> {
    await this.boss.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: 8_000 });
  }

  /** Makes sure that the queue exists. With `oncePerKey`, a job waits at most once for each key. */
  async declare(name: string, { oncePerKey }: { oncePerKey: boolean }): Promise<void> {
    const options = { retryLimit: 0, expireInSeconds: 120, deleteAfterSeconds: KEEP_SECONDS };
    await this.boss.createQueue(name, { ...options, policy: oncePerKey ? 'short' : 'standard' });
  }

  /** Adds jobs; returns how many were not waiting already. `key` is what a job is about. */
  async add(name: string, jobs: { key: string; data: object }[]): Promise<number> {
    const ids = await this.boss.insert(
      name,
      jobs.map(({ key, data }) => ({ singletonKey: key, data })),
      { returnId: true },
    );
    return ids?.length ?? 0;
  }

  /**
   * Adds jobs in the transaction of `manager`, one for each key: a key that the queue already holds in any state, done
   * ones included, is left alone.
   */
  async addOnce(manager: EntityManager, name: string, jobs: { key: string; data: object }[]): Promise<void> {
    const executeSql = async (text: string, values?: unknown[]) => ({ rows: await manager.query(text, values) });
    await this.boss.insert(
      name,
      jobs.map(({ key, data }) => ({ id: idOf(key), data })),
      { db: { executeSql } },
    );
  }

  /**
   * Starts workers that take `concurrency` jobs at a time in all. They fetch a few jobs together, which keeps the queue's
   * own cost low, but few enough that a slow one holds up only its neighbours.
   */
  async work<Data extends object>(
    name: string,
    concurrency: number,
    handle: (data: Data) => Promise<void>,
  ): Promise<void> {
    const batchSize = Math.min(4, concurrency);
    await this.boss.work<Data>(
      name,
      {
        batchSize,
        localConcurrency: Math.ceil(concurrency / batchSize),
        pollingIntervalSeconds: 1,
        burstWhenBatchFull: true,
        perJobResults: true,
      },
      async (jobs: Job<Data>[]) =>
        Promise.all(
          jobs.map(async ({ id, data }) => {
            try {
              await handle(data);
              return { id, status: 'completed' as const };
            } catch (error) {
              this.logger.error({ queue: name, job: id, err: loggable(error) }, 'job failed');
              return { id, status: 'failed' as const };
            }
          }),
        ),
    );
  }

  /** Stops taking jobs and waits for those that run. */
  async drain(name: string): Promise<void> {
    await this.boss.offWork(name, { wait: true });
  }
}

/** Always the same UUID for the same key. */
const idOf = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 32);
