import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ProcessMetrics } from '../../observability/process-metrics';

const logger = new Logger('request');

/** Logs and counts each request when it has been answered. */
export function addAccessLog(server: FastifyInstance, metrics: ProcessMetrics): void {
  server.addHook('onResponse', async (request, reply) => {
    logRequest(request, reply);
    countRequest(metrics, request, reply);
  });
}

/** The route template, never the raw path: paths hold ids and whatever else a client puts there. */
const routeOf = ({ routeOptions }: FastifyRequest): string => routeOptions.url ?? 'unknown';

/** Probes and scrapes come every few seconds: those that succeed are logged at `debug`. */
const PROBES = /^\/(health|metrics)(\/|$)/;

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { principal } = request;
  const route = routeOf(request);
  const level = PROBES.test(route) && reply.statusCode < 400 ? 'debug' : 'log';
  logger[level]({
    request_id: request.id,
    method: request.method,
    route,
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime),
    actor: principal ? `${principal.type}:${principal.id}` : undefined,
  });
}

function countRequest(metrics: ProcessMetrics, request: FastifyRequest, reply: FastifyReply): void {
  const labels = { method: request.method, route: routeOf(request), status: reply.statusCode };
  metrics.requestsTotal.inc(labels);
  if (!request.routeOptions.config.longAnswer) metrics.requests.observe(labels, reply.elapsedTime / 1000);
}
