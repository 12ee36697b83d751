import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** A request header that is no parameter of the operation: Nest's own decorator would document it as a required one. */
export const RequestHeader = createParamDecorator(
  (name: 'authorization' | 'user-agent', context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<FastifyRequest>().headers[name],
);
