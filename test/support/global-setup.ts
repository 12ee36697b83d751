import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgBoss } from 'pg-boss';
import { migrate } from '../../src/database/data-source';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres';
import { createDatabase, databaseUrl, TEMPLATE } from './database';

declare global {
  var stopTestPostgres: () => Promise<void>;
}

/** One PostgreSQL for the whole run, with a migrated template that every spec file clones. */
export default async function globalSetup(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'orders-test-'));
  // Tests kill processes, not machines: what fsync protects from cannot happen to them.
  const postgres = await startEmbeddedPostgres(join(directory, 'postgres'), { fsync: 'off', max_connections: '300' });
  globalThis.stopTestPostgres = async () => {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  process.env.TEST_POSTGRES_URL = postgres.url;
  process.env.TEST_DATA_DIR = directory;
  await createDatabase(TEMPLATE);
  await migrate(databaseUrl(TEMPLATE));
  const boss = new PgBoss(databaseUrl(TEMPLATE));
  await boss.start();
  await boss.stop({ graceful: false });
}
