import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PgBoss } from 'pg-boss';
import { migrate } from '../../src/database/data-source';
import { startEmbeddedPostgres } from '../../src/tools/embedded-postgres';
import { createDatabase, databaseUrl, TEMPLATE } from './database';

declare global {
  var cleanUpAfterTests: () => Promise<void>;
}

const ROOT = resolve(__dirname, '../..');

/** One build and one PostgreSQL for the whole run, with a migrated template that every spec file clones. */
export default async function globalSetup(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'orders-test-'));
  // Below the project, because that is where it finds its packages.
  const build = mkdtempSync(join(ROOT, 'dist-test-'));
  const compiled = compile(build);
  // Tests kill processes, not machines: what fsync protects from cannot happen to them.
  const postgres = await startEmbeddedPostgres(join(directory, 'postgres'), { fsync: 'off', max_connections: '300' });
  globalThis.cleanUpAfterTests = async () => {
    await postgres.stop();
    for (const folder of [directory, build]) rmSync(folder, { recursive: true, force: true });
  };
  process.env.TEST_BUILD = build;
  process.env.TEST_POSTGRES_URL = postgres.url;
  process.env.TEST_DATA_DIR = directory;
  await createDatabase(TEMPLATE);
  await migrate(databaseUrl(TEMPLATE));
  const boss = new PgBoss(databaseUrl(TEMPLATE));
  await boss.start();
  await boss.stop({ graceful: false });
  await compiled;
}

const compile = (folder: string) =>
  promisify(execFile)(
    join(ROOT, 'node_modules/.bin/swc'),
    ['src', '-d', folder, '--strip-leading-paths', '--copy-files', '--quiet'],
    { cwd: ROOT },
  );
