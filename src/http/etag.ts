import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../errors/domain-error';

/** The ETag of a version: `"3"`. */
export const etag = (version: number): string => `"${version}"`;

/**
 * The version that `If-Match` asks for; undefined without the header and for `*`. A tag that is not one of ours
 * cannot match (412).
 */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): number | undefined => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (header === undefined || header === '*') return undefined;
  const version = /^"([1-9]\d{0,8})"$/.exec(header)?.[1];
  if (!version)
    throw new DomainError(
      'PRECONDITION_FAILED',
      'If-Match is not an ETag of this resource: send the one you were given.',
    );
  return Number(version);
});

/** Documents `If-Match`. */
export const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'The ETag you read, such as `"1"`; a stale one is refused with 412.',
    schema: { type: 'string' },
  });
