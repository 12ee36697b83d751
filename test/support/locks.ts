import { Client } from 'pg';
import { eventually } from './eventually';

/**
 * Brings about a race on purpose: locks rows with `sql`, starts `requests`, waits until each of them stands at a lock, and
 * only then lets go. From there they go on in whatever order the database wakes them.
 */
export async function runIntoLock<T>(databaseUrl: string, sql: string, requests: (() => Promise<T>)[]): Promise<T[]> {
  const client = new Client(databaseUrl);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql);
    const running = requests.map((request) => request());
    await eventually(async () => {
      const { rows } = await client.query(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows[0].waiting === requests.length;
    }, `${requests.length} requests wait for a lock`);
    await client.query('COMMIT');
    return await Promise.all(running);
  } finally {
    await client.end();
  }
}
