import { RouteConfig } from '@nestjs/platform-fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer of this route may take longer than the deadline of requests; the route has limits of its own. */
    longAnswer?: boolean;
  }
}

/** Marks a route whose answer goes on for long: it has no deadline, and its time counts in no histogram. */
export const LongAnswer = () => RouteConfig({ longAnswer: true });
