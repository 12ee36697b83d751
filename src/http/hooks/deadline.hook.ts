import { HttpException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Milliseconds from the end of its body until a request of the API is answered with 503: below the 5 s that any answer may take. */
const DEADLINE_MS = 4_000;

/**
 * Gives each request of the API a deadline. The pages of the documentation have none, nor have routes with `@LongAnswer()`.
 * Until the body has arrived, `requestTimeout` bounds the time; Fastify's own `handlerTimeout` would hold only for requests
 * without a body.
 */
export function addDeadline(server: FastifyInstance): void {
  server.addHook('preValidation', async (request, reply) => {
    const { url, config } = request.routeOptions;
    if (url?.startsWith('/api/') && !config.longAnswer) limitTime(reply);
  });
}

function limitTime(reply: FastifyReply): void {
  const timer = setTimeout(() => {
    if (!reply.sent) reply.send(new HttpException('The request took too long', 503));
  }, DEADLINE_MS);
  reply.raw.once('close', () => clearTimeout(timer));
}
