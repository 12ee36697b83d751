import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const storage = new AsyncLocalStorage<FastifyRequest>();

/** The request that the running code works for; undefined in jobs, timers and at the start. */
export const currentRequest = (): FastifyRequest | undefined => storage.getStore();

/** Makes each request the {@link currentRequest} of its guards, its handler, and everything that they call. */
export function provideRequestContext(server: FastifyInstance): void {
  // Not earlier: the body arrives in events of the socket, which have another context.
  server.addHook('preHandler', (request, _reply, done) => storage.run(request, done));
}
