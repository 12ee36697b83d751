import { join } from 'node:path';
import { types } from 'pg';
import { DataSource, type DataSourceOptions, MigrationExecutor } from 'typeorm';
import { Connection } from './crash-safe-client';
import { destroyOnReadTimeout } from './read-timeout';

// Amounts and counts stay far below 2^53 by CHECK, so bigint and the numeric of sum() are numbers here, not strings.
types.setTypeParser(types.builtins.INT8, Number);
types.setTypeParser(types.builtins.NUMERIC, Number);

/** How long one request may wait for the database, in milliseconds: together below the 5 s that any answer may take. */
const TIMEOUTS = { acquire: 1_500, lock: 2_000, statement: 2_500, answer: 3_000, idleInTransaction: 5_000 };

/** Options of the one data source; `poolSize` connections at most, none of which can wait for ever. */
export function dataSourceOptions(url: string, poolSize: number): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    // By pattern, because imports go the other way: the nouns know the database, not the database the nouns.
    entities: [join(__dirname, '..', '**', '*.entity.{ts,js}')],
    migrations: [join(__dirname, 'migrations', '*.{ts,js}')],
    migrationsTableName: 'migrations',
    poolSize,
    // Only names the function of a default, gen_random_uuid(): it is part of PostgreSQL, so nothing is installed.
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    applicationName: 'orders',
    extra: {
      Client: Connection,
      connectionTimeoutMillis: TIMEOUTS.acquire,
      lock_timeout: TIMEOUTS.lock,
      statement_timeout: TIMEOUTS.statement,
      onConnect: destroyOnReadTimeout(TIMEOUTS.answer),
      idle_in_transaction_session_timeout: TIMEOUTS.idleInTransaction,
      keepAlive: true,
      options: '-c timezone=UTC',
    },
  };
}

/** Any 64-bit number, the same in every process: only one of them migrates at a time. */
const MIGRATION_LOCK = 7_203_114_520_031n;

/**
 * Brings the schema up to date; returns the names of the migrations that ran. Processes that start together take turns, and
 * the later ones find nothing left to do.
 */
export const migrate = (url: string): Promise<string[]> =>
  withMigrationLock(url, async (source) => {
    const done = await source.runMigrations({ transaction: 'each' });
    return done.map(({ name }) => name);
  });

/** Reverts the latest migration; returns its name, undefined when none has run. */
export const revertMigration = (url: string): Promise<string | undefined> =>
  withMigrationLock(url, async (source) => {
    const [latest] = await new MigrationExecutor(source).getExecutedMigrations();
    if (latest) await source.undoLastMigration({ transaction: 'each' });
    return latest?.name;
  });

async function withMigrationLock<T>(url: string, work: (source: DataSource) => Promise<T>): Promise<T> {
  // A connection of its own, without the timeouts of requests: an index on a large table takes its time.
  const source = new DataSource({ ...dataSourceOptions(url, 2), extra: { Client: Connection } } as DataSourceOptions);
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work(source);
  } finally {
    await lock.release();
    await source.destroy();
  }
}
