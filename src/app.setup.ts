import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module';
import { DomainError } from './common/domain-error';
import { armFailpoint } from './common/failpoint';
import { prepareServer, serverOptions } from './common/http-server';
import { createLogger, NestLogger } from './common/logging';
import { ProblemFilter } from './common/problem-filter';
import { validationPipe } from './common/validation';
import { type Config, listOf } from './config/config';
import { mountDocs } from './docs/pages';

/** Headers of ours that the script of another origin may read. */
const EXPOSED = [
  'ETag',
  'Location',
  'X-Request-Id',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'Idempotent-Replayed',
];

/** The application with everything HTTP that `main.ts` and the tests share; not listening yet. */
export async function createApp(config: Config): Promise<NestFastifyApplication> {
  Logger.overrideLogger(new NestLogger(await createLogger(config.LOG_LEVEL, config.LOG_FILE)));
  armFailpoint(config.FAILPOINT);
  const filter = new ProblemFilter();
  const adapter = new FastifyAdapter(serverOptions(filter, listOf(config.TRUSTED_PROXIES)));
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), adapter, {
    abortOnError: false,
  });
  app.setGlobalPrefix('api/v1', { exclude: ['health', 'health/live', 'health/ready', 'metrics'] });
  if (config.CORS_ORIGINS)
    app.enableCors({ origin: listOf(config.CORS_ORIGINS), exposedHeaders: EXPOSED, maxAge: 600 });
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(filter);
  prepareServer(app);
  if (config.SERVICE_ROLE === 'worker') refuseApi(app);
  else if (config.DOCS_ENABLED) mountDocs(app);
  return app;
}

/** A worker answers only those who ask how it is. */
function refuseApi(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  server.addHook('onRequest', async ({ url }) => {
    if (url.startsWith('/api/'))
      throw new DomainError('NOT_FOUND', 'This process is a worker: it does not serve the API.');
  });
}
