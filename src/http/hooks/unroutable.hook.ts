import { HttpException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { DomainError } from '../../errors/domain-error';
import { assertStorable } from '../json-body';

/** The routes that read forms, as OAuth 2.0 wants it; all others read JSON only. */
const FORM_ROUTES = new Set(['/api/v1/auth/token']);

/**
 * Refuses what no route could want, before its body is read: no Host, text that cannot be stored, unknown addresses, with
 * 405 methods that an address lacks, and with 415 bodies that are compressed or forms.
 */
export function rejectUnroutable(server: FastifyInstance): void {
  const methods = methodsByPath(server);
  server.addHook('onRequest', async (request, reply) => {
    if (!request.headers.host && request.raw.httpVersion === '1.1') throw new HttpException('Host is missing', 400);
    assertUrlEncoding(request.url);
    assertStorable(request.query);
    assertStorable(request.params);
    if (!request.is404) return assertReadable(request.headers, request.routeOptions.url ?? '');
    const allowed = methods(request.url.split('?', 1)[0] as string);
    if (request.method === 'OPTIONS' && request.url === '*') return reply.status(204).send();
    if (allowed.length === 0) throw new HttpException('Not Found', 404);
    reply.header('allow', allowed.join(', '));
    throw new HttpException('Method Not Allowed', 405);
  });
}

/** Finds the methods of the routes that match a path. */
function methodsByPath(server: FastifyInstance): (path: string) => string[] {
  const routes: { method: string; path: RegExp }[] = [];
  server.addHook('onRoute', ({ method, url }) => {
    const path = new RegExp(
      `^${url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[^/]+/g, '[^/]+')
        .replace('*', '.*')}/?$`,
    );
    for (const name of [method].flat()) routes.push({ method: name, path });
  });
  return (path) => [...new Set(routes.filter((route) => route.path.test(path)).map(({ method }) => method))];
}

/** The router refuses a path that is encoded badly; the parser of queries would take it as it is. */
function assertUrlEncoding(url: string): void {
  try {
    decodeURIComponent(url);
  } catch {
    throw new HttpException('The address is encoded badly', 400);
  }
}

function assertReadable(headers: Record<string, string | string[] | undefined>, route: string): void {
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = headers;
  if (String(encoding).toLowerCase() !== 'identity') {
    throw new DomainError(
      'UNSUPPORTED_MEDIA_TYPE',
      'The body has a Content-Encoding, which is not taken here: send it uncompressed.',
    );
  }
  if (/^application\/x-www-form-urlencoded\b/i.test(String(type)) && !FORM_ROUTES.has(route)) {
    throw new HttpException('Unsupported Media Type', 415);
  }
}
