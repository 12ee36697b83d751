import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../errors/domain-error';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The `Idempotency-Key` of a request; undefined without one. Errors: IDEMPOTENCY_KEY_INVALID. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const { raw } = context.switchToHttp().getRequest<FastifyRequest>();
  // Node joins a header that comes twice to one text.
  const keys = raw.headersDistinct['idempotency-key'] ?? [];
  if (keys.length > 1 || keys.some((key) => !KEY.test(key))) {
    throw new DomainError(
      'IDEMPOTENCY_KEY_INVALID',
      'Send Idempotency-Key once, with 1 to 255 printable ASCII characters.',
    );
  }
  return keys[0];
});

/** Documents `Idempotency-Key`. */
export const ApiIdempotencyKey = () =>
  ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: '1 to 255 printable characters; kept 24 hours.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]*$' },
  });
