import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { armFailpoint } from './common/failpoint';
import { prepareServer, serverOptions } from './common/http-server';
import { createLogger, NestLogger } from './common/logging';
import { ProblemFilter } from './common/problem-filter';
import { validationPipe } from './common/validation';
import type { Config } from './config/config';
import { mountDocs } from './docs/pages';

/** The application with everything HTTP that `main.ts` and the tests share; not listening yet. */
export async function createApp(config: Config): Promise<NestFastifyApplication> {
  Logger.overrideLogger(new NestLogger(createLogger(config.LOG_LEVEL)));
  armFailpoint(config.FAILPOINT);
  const filter = new ProblemFilter();
  const adapter = new FastifyAdapter(serverOptions(filter));
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), adapter, {
    abortOnError: false,
  });
  app.setGlobalPrefix('api/v1', { exclude: ['health', 'health/live', 'health/ready'] });
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(filter);
  prepareServer(app);
  if (config.DOCS_ENABLED) mountDocs(app);
  return app;
}
