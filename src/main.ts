import './source-maps';
import 'reflect-metadata';
import { resolve } from 'node:path';
import { Logger } from '@nestjs/common';
import { completeForDevelopment } from './config/development';
import { ConfigError, loadConfig } from './config/load';
import { startEmbeddedPostgres } from './tools/embedded-postgres';

/** Milliseconds for running requests and jobs to end after SIGTERM; what is left then is taken over by others. */
const DRAIN_TIMEOUT = 10_000;

async function main(): Promise<void> {
  const config = loadConfig();
  const postgres = config.DATABASE_URL ? undefined : await startEmbeddedPostgres(resolve(config.DATA_DIR, 'postgres'));
  if (postgres) config.DATABASE_URL = postgres.url;
  completeForDevelopment(config);
  // Loaded only now, so that a wrong setting is told at once.
  const { createApp } = await import('./app.setup.js');
  const app = await createApp(config);
  await app.listen(config.APP_PORT, config.APP_HOST);
  const docs = config.DOCS_ENABLED && config.SERVICE_ROLE !== 'worker' ? ' (docs at /docs)' : '';
  new Logger('main').log(`Listening on ${await app.getUrl()}${docs}`);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), DRAIN_TIMEOUT).unref();
    await app.close();
    await postgres?.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`);
  process.exit(1);
});
