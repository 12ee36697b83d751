import cors from '@fastify/cors';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module';
import { type Config, listOf } from './config/config';
import { armFailpoint } from './config/failpoint';
import { DomainError } from './errors/domain-error';
import { ProblemFilter } from './errors/problem.filter';
import { rejectUnroutable } from './http/hooks/unroutable.hook';
import { UnexpectedInputInterceptor } from './http/interceptors/unexpected-input.interceptor';
import { StrictValidationPipe } from './http/pipes/strict-validation.pipe';
import { prepareServer, serverOptions } from './http/server';
import { createLogger, type LogOptions, NestLogger } from './observability/logging';
import { provideRequestContext } from './observability/request-context';
import { mountDocs } from './openapi/pages';
import { RateLimitGuard } from './rate-limit/rate-limit.guard';

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

/** What the script of another origin may do; the package's own default leaves PATCH out. */
const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'];

/** The application with everything HTTP that `main.ts` and the tests share; not listening yet. */
export async function createApp(config: Config): Promise<NestFastifyApplication> {
  Logger.overrideLogger(new NestLogger(await createLogger(logOptions(config))));
  armFailpoint(config.FAILPOINT);
  const filter = new ProblemFilter();
  const adapter = new FastifyAdapter(
    serverOptions(filter, {
      trustedProxies: listOf(config.TRUSTED_PROXIES),
      keepAliveSeconds: config.KEEP_ALIVE_SECONDS,
    }),
  );
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), adapter, {
    abortOnError: false,
  });
  app.setGlobalPrefix('api/v1', { exclude: ['health', 'health/live', 'health/ready', 'metrics'] });
  app.useGlobalInterceptors(new UnexpectedInputInterceptor());
  app.useGlobalPipes(new StrictValidationPipe());
  app.useGlobalFilters(filter);
  const limit = app.get(RateLimitGuard);
  filter.beforeAnswer = (request, reply) => limit.countUnseen(request, reply);
  await prepareRequests(app, config);
  if (config.SERVICE_ROLE === 'worker') rejectApi(app);
  else if (config.DOCS_ENABLED) mountDocs(app);
  return app;
}

const logOptions = ({ LOG_LEVEL, LOG_FILE, NODE_ENV }: Config): LogOptions => ({
  level: LOG_LEVEL,
  file: LOG_FILE,
  readable: NODE_ENV === 'development' && process.stdout.isTTY,
});

/** What happens to a request before its route sees it. The order matters: a refusal has the headers of what came before. */
async function prepareRequests(app: NestFastifyApplication, config: Config): Promise<void> {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  prepareServer(app);
  const origin = listOf(config.CORS_ORIGINS);
  if (origin.length > 0)
    await app.register(cors, {
      origin,
      methods: METHODS,
      exposedHeaders: EXPOSED,
      maxAge: 600,
      strictPreflight: false,
    });
  rejectUnroutable(server);
  provideRequestContext(server);
}

/** A worker serves health checks and metrics only. The matched route decides, not the address as it was written. */
function rejectApi(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  server.addHook('onRequest', async ({ routeOptions }) => {
    if (routeOptions.url?.startsWith('/api/'))
      throw new DomainError('NOT_FOUND', 'This process is a worker: it does not serve the API.');
  });
}
