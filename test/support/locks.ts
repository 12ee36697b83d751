import { Client } from 'pg';
import { eventually } from './eventually';

/** A lock that blocks other transactions, so that a test can choose what happens meanwhile. */
export interface HeldLock {
  /** Resolves when at least so many transactions wait for it, directly or through another one. */
  waitedForBy(count: number): Promise<void>;
  release(): Promise<void>;
}

/** Takes the locks of `sql`, a `SELECT … FOR UPDATE` or a change that is committed with the release. */
export async function holdLock(databaseUrl: string, sql: string): Promise<HeldLock> {
  const client = new Client(databaseUrl);
  client.on('error', () => {});
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql);
  return {
    async waitedForBy(count) {
      await eventually(async () => {
        // Inside a transaction the view would stay as it was when it was read first.
        await client.query('SELECT pg_stat_clear_snapshot()');
        const { rows } = await client.query(
          `WITH RECURSIVE waiting AS (
             SELECT pg_backend_pid() AS pid
             UNION
             SELECT a.pid FROM pg_stat_activity a JOIN waiting ON waiting.pid = ANY(pg_blocking_pids(a.pid))
             WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
           ) SELECT count(*)::int - 1 AS waiting FROM waiting`,
        );
        return rows[0].waiting >= count;
      }, `${count} wait for a lock`);
    },
    async release() {
      await client.query('COMMIT').catch(() => {});
      await client.end();
    },
  };
}

/**
 * Forces a race: locks rows with `sql`, starts `requests`, waits until each of them waits for a lock, and only then releases
 * it. The database decides in which order they continue.
 */
export async function runIntoLock<T>(databaseUrl: string, sql: string, requests: (() => Promise<T>)[]): Promise<T[]> {
  const lock = await holdLock(databaseUrl, sql);
  try {
    const running = requests.map((request) => request());
    await lock.waitedForBy(requests.length);
    await lock.release();
    return await Promise.all(running);
  } finally {
    await lock.release();
  }
}
