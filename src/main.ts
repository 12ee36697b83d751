import './source-maps';
import 'reflect-metadata';
import { resolve } from 'node:path';
import { Logger } from '@nestjs/common';
import { completeForDevelopment } from './config/development';
import { loadConfig } from './config/load';
import { StartError } from './errors/start-error';
import { flushLogs } from './observability/log-output';
import { startEmbeddedPostgres } from './tools/embedded-postgres';

/** Milliseconds for running requests and jobs to end after SIGTERM; other processes take over what is left then. */
const DRAIN_TIMEOUT_MS = 10_000;

// Node ends a process whose stdout or stderr fails and has no listener.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

async function main(): Promise<void> {
  const config = loadConfig();
  const postgres = config.DATABASE_URL ? undefined : await startEmbeddedPostgres(resolve(config.DATA_DIR, 'postgres'));
  if (postgres) config.DATABASE_URL = postgres.url;
  completeForDevelopment(config);
  // Loaded late, so that a wrong setting is reported at once.
  const { createApp } = await import('./app.setup.js');
  const app = await createApp(config);
  await app.listen(config.APP_PORT, config.APP_HOST);
  const docs = config.DOCS_ENABLED && config.SERVICE_ROLE !== 'worker' ? ' (docs at /docs)' : '';
  new Logger('main').log(`Listening on ${await app.getUrl()}${docs}`);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), DRAIN_TIMEOUT_MS).unref();
    await app.close();
    await postgres?.stop();
    await flushLogs();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}

main().catch(async (error: unknown) => {
  process.stderr.write(`${error instanceof StartError ? error.message : (error as Error).stack}\n`);
  await flushLogs();
  process.exit(1);
});
