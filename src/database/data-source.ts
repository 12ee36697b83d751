import { join } from 'node:path';
import { type ClientBase, types } from 'pg';
import { DataSource, type DataSourceOptions, MigrationExecutor, type QueryRunner } from 'typeorm';
import { StartError } from '../errors/start-error';
import { Connection } from './crash-safe-client';
import { destroyOnReadTimeout } from './read-timeout';
import { NO_TIMEOUTS, setUpSession } from './session';

// Amounts and counts stay far below 2^53 by CHECK, so bigint and the numeric of sum() are numbers here, not strings.
types.setTypeParser(types.builtins.INT8, Number);
types.setTypeParser(types.builtins.NUMERIC, Number);

/** Time limits of the statements of a request. With the two below they end before the 5 s that any answer may take. */
const REQUEST_TIMEOUTS = { lock_timeout: 2_000, statement_timeout: 2_500, idle_in_transaction_session_timeout: 5_000 };

/** How long a request waits for a connection. */
const ACQUIRE_TIMEOUT_MS = 1_500;

/** How long the server may be silent before a connection is given up. */
const READ_TIMEOUT_MS = 3_000;

/** Options of the one data source; `poolSize` connections at most, none of which can wait forever. */
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
      connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      onConnect: (client: ClientBase) => {
        destroyOnReadTimeout(READ_TIMEOUT_MS)(client);
        return setUpSession(client, REQUEST_TIMEOUTS);
      },
      keepAlive: true,
    },
  };
}

/** Any 64-bit number, the same in every process: only one of them migrates at a time. */
const MIGRATION_LOCK = 7_203_114_520_031n;

/**
 * Brings the schema up to date; returns the names of the migrations that ran. Processes that start together take turns, and
 * the later ones find nothing left to do. Errors: StartError for a database whose encoding is not UTF8.
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
  const extra = { Client: Connection, onConnect: (client: ClientBase) => setUpSession(client, NO_TIMEOUTS) };
  const source = new DataSource({ ...dataSourceOptions(url, 2), extra } as DataSourceOptions);
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    await assertUnicode(lock);
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work(source);
  } finally {
    await lock.release();
    await source.destroy();
  }
}

async function assertUnicode(runner: QueryRunner): Promise<void> {
  const [{ name, encoding }] = await runner.query(
    `SELECT current_database() AS name, current_setting('server_encoding') AS encoding`,
  );
  if (encoding === 'UTF8') return;
  throw new StartError(
    `DATABASE_URL: the database "${name}" has the encoding ${encoding}. Use one that was created with ENCODING 'UTF8'.`,
  );
}
