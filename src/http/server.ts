import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import type { ErrorCode } from '../errors/domain-error';
import { ProblemFilter, rawProblem } from '../errors/problem.filter';
import { ProcessMetrics } from '../observability/process-metrics';
import { trustOf } from './client-address';
import { addAccessLog } from './hooks/access-log.hook';
import { addDeadline } from './hooks/deadline.hook';
import { parseJsonBody } from './json-body';
import { requestId } from './request-id';

const BODY_LIMIT_BYTES = 1_048_576;

/** Milliseconds for the head and for the whole of a request to arrive: a client that never finishes would hold its socket forever. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Milliseconds between two looks for requests that are too slow. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

export interface ServerSettings {
  /** Addresses and CIDRs of the proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: string[];
  /** Seconds for which an idle connection is kept. */
  keepAliveSeconds: number;
}

/** Fastify as this service runs it: bounded in size and time, with our errors where Nest's filters do not reach. */
export function serverOptions(
  filter: ProblemFilter,
  { trustedProxies, keepAliveSeconds }: ServerSettings,
): FastifyHttpOptions<Server> {
  return {
    // Never `true`, with which anybody could make up the address that is counted against them.
    trustProxy: trustedProxies.length > 0 ? trustOf(trustedProxies) : false,
    genReqId: requestId,
    bodyLimit: BODY_LIMIT_BYTES,
    http: {
      // Node would answer this by itself, without a body; refused by a hook.
      requireHostHeader: false,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: keepAliveSeconds * 1000,
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

const CLIENT_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

/** What a browser may not do with a response: guess its type, show it in a frame, tell others where it was. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  // Nothing here is a page but the documentation, which sets its own.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Prepares the server for the requests of the application: body parser, headers, deadline, access log. */
export function prepareServer(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  app.useBodyParser('application/json', { bodyLimit: BODY_LIMIT_BYTES }, (_request, body: Buffer, done) => {
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
    reply.headers({ 'x-request-id': request.id, ...SECURITY_HEADERS });
    // Personal data is not for caches; routes without it say otherwise.
    if (request.routeOptions.url?.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
  addDeadline(server);
  // Fastify says so to requests that come while it closes. Those that ran already would leave idle connections open, and
  // the process would wait for them.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (!server.server.listening) reply.header('connection', 'close');
    done();
  });
  addAccessLog(server, app.get(ProcessMetrics));
  rejectOddRequests(server.server);
  closeUnusedConnections(server);
}

/** Milliseconds at a shutdown after which connections that have sent nothing are closed: a request may be on its way. */
const UNUSED_CONNECTION_MS = 1_000;

/** Node closes connections that are idle after a request. Those without any would hold up a shutdown for a minute. */
function closeUnusedConnections(server: FastifyInstance): void {
  const open = new Set<Socket>();
  server.server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.addHook('preClose', async () => {
    setTimeout(() => {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    }, UNUSED_CONNECTION_MS).unref();
  });
}

/** Answers what Node would answer by itself, without a body: an unknown `Expect`, and CONNECT. */
function rejectOddRequests(server: Server): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    response.shouldKeepAlive = false;
    request.socket.end(rawProblem('EXPECTATION_FAILED', requestId(request)));
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.end(rawProblem('METHOD_NOT_ALLOWED', requestId(request)));
  });
}
