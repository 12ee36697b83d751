import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { type Job, PgBoss } from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { Connection } from '../database/crash-safe-client';
import { destroyOnReadTimeout } from '../database/read-timeout';
import { NO_TIMEOUTS, setUpSession } from '../database/session';
import { loggable } from '../errors/problem.filter';

/** Connections that the queue holds for itself, so that a burst of requests cannot starve the workers. */
const POOL_SIZE = 4;

/** Milliseconds after which a silent connection is given up: deleting finished jobs takes longer than any request may. */
const READ_TIMEOUT_MS = 10_000;

/** Seconds for which finished jobs are kept: the tables of the domain tell what happened, the queue only transports. */
const KEEP_SECONDS = 300;

/** Seconds after which a running job counts as failed. */
const EXPIRE_SECONDS = 120;

/** Seconds without a heartbeat after which a job counts as failed: its worker was killed, most likely. */
const HEARTBEAT_SECONDS = 15;

/** Seconds between two checks for such jobs. With the first delay of a retry, the mail of a killed worker is sent within a minute. */
const SUPERVISE_SECONDS = 20;

/** Seconds for which dead letters are kept to be requeued. */
const KEEP_DEAD_SECONDS = 30 * 24 * 3600;

/** What a queue does with its jobs. */
export interface QueueRules {
  /** A job waits at most once for each key. */
  oncePerKey?: boolean;
  /**
   * A failed job is tried again this often, the first time after `delaySeconds` to twice that, then twice as late each
   * time but never later than `maxDelaySeconds`; after that it goes to the dead letters. Without, it is tried once.
   */
  retry?: { limit: number; delaySeconds: number; maxDelaySeconds: number };
}

/** Thrown by a handler when no further attempt can succeed: the job goes to the dead letters at once. */
export class PermanentFailure extends Error {}

/** A job that was given up. */
export interface DeadLetter<Data> {
  data: Data;
  attempts: number;
  error: string | null;
  died_at: Date;
}

/** The one pg-boss of the process: every queued job goes through it. Jobs are delivered at least once. */
@Injectable()
export class Queue implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('queue');
  private readonly boss: PgBoss;

  constructor(config: Config) {
    // What pg-boss does not know it passes on to its pool.
    const onConnect = (client: ClientBase) => {
      destroyOnReadTimeout(READ_TIMEOUT_MS)(client);
      return setUpSession(client, NO_TIMEOUTS);
    };
    const pool = { max: POOL_SIZE, Client: Connection, onConnect };
    this.boss = new PgBoss({
      ...pool,
      connectionString: config.DATABASE_URL as string,
      application_name: 'orders-queue',
      schedule: false,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      maintenanceIntervalSeconds: KEEP_SECONDS,
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

  /** Makes sure that the queue exists and is as described. */
  async declare(name: string, { oncePerKey, retry }: QueueRules): Promise<void> {
    const times = {
      expireInSeconds: EXPIRE_SECONDS,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      deleteAfterSeconds: KEEP_SECONDS,
    };
    const rules = { ...times, retryLimit: 0 };
    if (retry) {
      const deadLetter = deadLettersOf(name);
      await this.boss.createQueue(deadLetter, { ...times, retentionSeconds: KEEP_DEAD_SECONDS });
      const { limit: retryLimit, delaySeconds: retryDelay, maxDelaySeconds: retryDelayMax } = retry;
      Object.assign(rules, { retryLimit, retryDelay, retryDelayMax, retryBackoff: true, deadLetter });
    }
    await this.boss.createQueue(name, { ...rules, policy: oncePerKey ? 'short' : 'standard' });
    // A queue that an earlier version has made keeps its old rules otherwise.
    await this.boss.updateQueue(name, rules);
  }

  /**
   * Adds jobs; returns how many were not waiting already. `key` is what a job is about. Urgent ones are taken before all
   * others that wait.
   */
  async add(name: string, jobs: { key: string; data: object }[], urgent = false): Promise<number> {
    const ids = await this.boss.insert(
      name,
      jobs.map(({ key, data }) => ({ singletonKey: key, data, priority: urgent ? 1 : 0 })),
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
   * own cost low, but few enough that a slow one holds up only its neighbours. The signal says that the time is up, and
   * that the job is given to another worker.
   */
  async work<Data extends object>(
    name: string,
    concurrency: number,
    handle: (data: Data, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    // A divisor, so that batches and workers make exactly `concurrency`.
    const batchSize = [4, 3, 2, 1].find((size) => concurrency % size === 0) as number;
    await this.boss.work<Data>(
      name,
      {
        batchSize,
        localConcurrency: concurrency / batchSize,
        pollingIntervalSeconds: 1,
        burstWhenBatchFull: true,
        perJobResults: true,
      },
      async (jobs: Job<Data>[]) =>
        Promise.all(
          jobs.map(async ({ id, data, signal }) => {
            try {
              await handle(data, signal);
              return { id, status: 'completed' as const };
            } catch (error) {
              this.logger.error({ queue: name, job: id, err: loggable(error) }, 'job failed');
              const status = error instanceof PermanentFailure ? ('deadletter' as const) : ('failed' as const);
              return { id, status, output: { message: (error as Error).message } };
            }
          }),
        ),
    );
  }

  /** How many jobs of this queue were given up, and the latest 20 of them. */
  async deadLetters<Data>(name: string): Promise<{ count: number; latest: DeadLetter<Data>[] }> {
    const { rows } = await this.boss.getDb().executeSql(
      `SELECT data, source_retry_count + 1 AS attempts, source_output ->> 'message' AS error, created_on AS died_at,
         count(*) OVER () AS count
       FROM pgboss.job WHERE name = $1 AND state < 'active' ORDER BY created_on DESC LIMIT 20`,
      [deadLettersOf(name)],
    );
    return { count: rows[0]?.count ?? 0, latest: rows };
  }

  /** Has every job that was given up tried again from the first attempt on; returns how many. */
  async redrive(name: string): Promise<number> {
    let moved = 0;
    for (;;) {
      const batch = await this.boss.redrive(deadLettersOf(name));
      if (batch === 0) return moved;
      moved += batch;
    }
  }

  /** Stops taking jobs and waits for those that run. */
  async drain(name: string): Promise<void> {
    await this.boss.offWork(name, { wait: true });
  }
}

const deadLettersOf = (name: string) => `${name}.dead`;

/** Always the same UUID for the same key. */
const idOf = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 32);
