import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException, Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors/domain-error';
import { ProblemFilter, rawProblem } from '../errors/problem.filter';
import { ProcessMetrics } from '../observability/process-metrics';
import { trustOf } from './client-address';
import { assertStorable, parseJsonBody } from './json-body';
import { requestId } from './request-id';

const BODY_LIMIT = 1_048_576;

/** Milliseconds after which a request of the API is answered with 503: below the 5 s that any answer may take. */
const DEADLINE = 4_000;

/** Fastify as this service runs it: bounded in size and time, with our errors where Nest's filters do not reach. */
export function serverOptions(filter: ProblemFilter, trustedProxies: string[]): FastifyHttpOptions<Server> {
  return {
    // Never `true`, with which anybody could make up the address that is counted against them.
    trustProxy: trustedProxies.length > 0 ? trustOf(trustedProxies) : false,
    genReqId: requestId,
    bodyLimit: BODY_LIMIT,
    // Node would answer this by itself, without a body; refused in `prepareServer`.
    http: { requireHostHeader: false },
    // Nest leaves these unlimited: a client that never finishes its request would hold its socket for ever.
    requestTimeout: 10_000,
    keepAliveTimeout: 8_000,
    // While draining, a request whose head is still arriving is served like those before it.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      void filter.answer(error, request, reply);
    },
    clientErrorHandler: (error: Error & { code?: string }, socket: Socket) => {
      if (socket.writable && error.code !== 'ECONNRESET') {
        socket.end(rawProblem(CLIENT_ERRORS[error.code ?? ''] ?? 'MALFORMED_REQUEST', requestId({ headers: {} })));
      } else socket.destroy();
    },
  };
}

const CLIENT_ERRORS: Record<string, ErrorCode> = { HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE' };

/** What a browser may not do with an answer: guess its type, show it in a frame, tell others where it was. */
const PROTECTION = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  // Nothing here is a page but the documentation, which sets its own.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Adds to every request: its id in the answer, a deadline, and one line in the log. */
export function prepareServer(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  app.useBodyParser('application/json', { bodyLimit: BODY_LIMIT }, (_request, body: Buffer, done) => {
    // Called with the whole body, so a throw is this request's own error.
    try {
      done(null, parseJsonBody(body));
    } catch (error) {
      done(error as Error);
    }
  });
  // Fastify reads text bodies by itself; here they are 415.
  server.removeContentTypeParser('text/plain');
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, ...PROTECTION });
    // Not for the pages of the documentation, which a slow reader may take his time over.
    if (request.url.startsWith('/api/')) limitTime(reply);
  });
  // Fastify says so to requests that come while it closes. Those that ran already would leave connections open that
  // nobody uses any more, and the process would wait for them.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (!server.server.listening) reply.header('connection', 'close');
    done();
  });
  const metrics = app.get(ProcessMetrics);
  server.addHook('onResponse', async (request, reply) => {
    logRequest(request, reply);
    countRequest(metrics, request, reply);
  });
}

/** Fastify's own `handlerTimeout` ends when the body has been read, so it would hold only for requests without one. */
function limitTime(reply: FastifyReply): void {
  const timer = setTimeout(() => {
    if (!reply.sent) reply.send(new HttpException('The request took too long', 503));
  }, DEADLINE);
  reply.raw.once('close', () => clearTimeout(timer));
}

/**
 * Refuses what no route could want, before its body is read: no Host, text that cannot be stored, unknown addresses, and,
 * with 405, methods that an address lacks.
 */
export function rejectUnroutable(server: FastifyInstance): void {
  const routes: { method: string; path: RegExp }[] = [];
  server.addHook('onRoute', ({ method, url }) => {
    const path = new RegExp(
      `^${url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[^/]+/g, '[^/]+')
        .replace('*', '.*')}/?$`,
    );
    for (const name of [method].flat()) routes.push({ method: name, path });
  });
  server.addHook('onRequest', async (request, reply) => {
    if (!request.headers.host && request.raw.httpVersion === '1.1') throw new HttpException('Host is missing', 400);
    assertUrlEncoding(request.url);
    assertStorable(request.query);
    assertStorable(request.params);
    if (!request.is404) return;
    const path = request.url.split('?', 1)[0] as string;
    const allowed = [...new Set(routes.filter((route) => route.path.test(path)).map(({ method }) => method))];
    if (allowed.length === 0) throw new HttpException('Not Found', 404);
    reply.header('allow', allowed.join(', '));
    throw new HttpException('Method Not Allowed', 405);
  });
}

/** The router refuses a path that is encoded badly; the parser of queries would take it as it is. */
function assertUrlEncoding(url: string): void {
  try {
    decodeURIComponent(url);
  } catch {
    throw new HttpException('The address is encoded badly', 400);
  }
}

const logger = new Logger('request');

/** The route template, never the raw path: paths hold ids and whatever else a client puts there. */
function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { principal } = request;
  logger.log({
    request_id: request.id,
    method: request.method,
    route: request.routeOptions.url ?? 'unknown',
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime),
    actor: principal ? `${principal.type}:${principal.id}` : undefined,
  });
}

function countRequest(metrics: ProcessMetrics, request: FastifyRequest, reply: FastifyReply): void {
  const labels = { method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode };
  metrics.requestsTotal.inc(labels);
  metrics.requests.observe(labels, reply.elapsedTime / 1000);
}
