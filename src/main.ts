import './node-version';
import './source-maps';
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { banner } from './banner';
import { assertDataFolder, completeForDevelopment } from './config/development';
import { loadConfig } from './config/load';
import { prepareDatabase } from './database-url';
import { StartError } from './errors/start-error';
import { assertPortFree, listening } from './listen';
import { flushLogs } from './observability/log-output';

/** Milliseconds for running requests and jobs to end after SIGTERM; other processes take over what is left then. */
const DRAIN_TIMEOUT_MS = 10_000;

// Node ends a process whose stdout or stderr fails and has no listener.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

async function main(): Promise<void> {
  const config = loadConfig();
  await assertPortFree(config);
  assertDataFolder(config);
  const isEmbedded = !config.DATABASE_URL;
  const stopDatabase = await prepareDatabase(config);
  completeForDevelopment(config);
  // Loaded late, so that a wrong setting is reported at once.
  const { createApp } = await import('./app.setup.js');
  const { HealthService } = await import('./health/health.service.js');
  const app = await createApp(config);
  await listening(() => app.listen(config.APP_PORT, config.APP_HOST));
  const docs = config.DOCS_ENABLED && config.SERVICE_ROLE !== 'worker' ? ' (docs at /docs)' : '';
  const url = await app.getUrl();
  new Logger('main').log(`Listening on ${url}${docs}`);
  if (config.NODE_ENV === 'development' && process.stdout.isTTY)
    process.stdout.write(banner(config, new URL(url).port, isEmbedded));

  let announced: AbortController | undefined;
  const stop = async () => {
    // A second signal skips the rest of the delay.
    if (announced) return announced.abort();
    announced = new AbortController();
    app.get(HealthService).startDraining();
    await delay(config.SHUTDOWN_DELAY_SECONDS * 1000, undefined, { signal: announced.signal }).catch(() => {});
    setTimeout(() => process.exit(1), DRAIN_TIMEOUT_MS).unref();
    await app.close();
    await stopDatabase();
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
