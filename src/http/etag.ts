import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../errors/domain-error';

/** The entity tags of a header, as they are written. */
export const tagsOf = (header: string): string[] => header.match(/(?:W\/)?"[^"]*"/g) ?? [];

/** One of our tags: the version, and behind it what else a representation shows. */
const TAG = /^"([1-9]\d{0,8})(?:-[\d-]*)?"$/;

/**
 * The versions that `If-Match` accepts; undefined without the header and for `*`. Compared strongly, as RFC 9110 asks: a
 * weak tag (`W/"3"`) and a tag that is not one of ours match no version.
 */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): ExpectedVersions => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (header === undefined || header.trim() === '*') return undefined;
  return tagsOf(header).flatMap((tag) => (TAG.test(tag) ? Number(TAG.exec(tag)?.[1]) : []));
});

/** The versions that a caller accepts of what is to be changed; undefined for any. */
export type ExpectedVersions = readonly number[] | undefined;

/** Refuses a version that the caller does not expect. Errors: PRECONDITION_FAILED. */
export function assertVersion(version: number, expected: ExpectedVersions): void {
  if (expected === undefined || expected.includes(version)) return;
  const detail =
    expected.length === 0
      ? 'If-Match has no strong ETag of this resource: send the one you were given, without W/.'
      : 'It has changed since you read it: read it again and use its new ETag.';
  throw new DomainError('PRECONDITION_FAILED', detail);
}

/** Documents `If-Match`. */
export const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'The ETag you read, such as `"1"`, or several; a stale one is refused with 412.',
    schema: { type: 'string' },
  });
