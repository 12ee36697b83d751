import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { tagsOf } from '../etag';

/** The ETag of a resource that only its version changes: `"3"`. */
const versionTag = ({ version }: { version: number }): string => `"${version}"`;

/** Adds the `ETag`; a GET whose `If-None-Match` names it is answered with 304 and no body. */
class EtagInterceptor<Body> implements NestInterceptor<Body, Body | undefined> {
  constructor(private readonly tagOf: (body: Body) => string) {}

  intercept(context: ExecutionContext, next: CallHandler<Body>): Observable<Body | undefined> {
    const http = context.switchToHttp();
    const { method, headers } = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body) => {
        const tag = this.tagOf(body);
        reply.header('etag', tag);
        if (method !== 'GET' || !isNamed(headers['if-none-match'], tag)) return body;
        reply.status(304);
        return undefined;
      }),
    );
  }
}

/** Compares weakly, as RFC 9110 asks: proxies that compress weaken tags on their way. */
function isNamed(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || tagsOf(header).some((named) => named.replace(/^W\//, '') === tag);
}

/** Documents the `ETag` of a response. */
export const ETAG_HEADER = {
  ETag: { description: 'The version, for If-Match.', required: true, schema: { type: 'string', example: '"1"' } },
} as const;

/** The responses of this route carry an ETag. `tagOf` is for resources that change without a new version. */
export const Etag = <Body = { version: number }>(tagOf: (body: Body) => string = versionTag as never) =>
  UseInterceptors(new EtagInterceptor(tagOf));

/** {@link Etag} for a GET, which honours `If-None-Match`. */
export const ConditionalGet = <Body = { version: number }>(tagOf?: (body: Body) => string) =>
  applyDecorators(
    Etag(tagOf),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'ETags that you have; 304 without a body when the present one is among them.',
      schema: { type: 'string' },
    }),
    ApiResponse({ status: 304, description: 'Not changed since you read it.', headers: ETAG_HEADER }),
  );
