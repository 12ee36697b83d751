import type { OpenAPIObject } from '@nestjs/swagger';
import { problemResponse } from '../errors/problem';
import { type Operation, operationsOf, type Response, type Schema } from './operations';

const HEADERS = {
  'X-Request-Id': { description: 'Yours if it was sane, else a new one; it finds the log lines.', required: true },
  Location: { description: 'The address of what was created.', required: true },
  'WWW-Authenticate': { description: 'How to authenticate.', required: true },
  'Retry-After': { description: 'Seconds to wait before trying again.', required: true },
  RateLimit: { description: 'What is left of the limit, as in the IETF draft: `"default";r=299;t=60`.' },
  'RateLimit-Policy': { description: 'The limit itself: `"default";q=300;w=60`.' },
};
type HeaderName = keyof typeof HEADERS;

/**
 * Headers that answers of a status always have. The request id and the rate limit are on every answer; the description
 * says so, and here they are only where somebody looks for them.
 */
const HEADERS_OF: Record<string, HeaderName[]> = {
  200: ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'],
  201: ['X-Request-Id', 'Location', 'RateLimit', 'RateLimit-Policy'],
  202: ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'],
  204: ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'],
  401: ['WWW-Authenticate'],
  429: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  503: ['Retry-After'],
};

/** What any request, any request with a body, and any request below `/api` can be answered with. */
const ANY = { 400: 'The request could not be read, or holds a field that cannot be accepted.' };
const WITH_BODY = { 413: 'The body is larger than 1 MiB.', 415: 'The body is of a type that is not taken here.' };
const LIMITED = {
  429: 'Too many requests; wait for `Retry-After`.',
  503: 'Not possible just now (the database is away or busy); wait for `Retry-After`.',
};

/**
 * Adds to every operation what the whole service promises, so that no route has to repeat it: the problems that any request
 * can meet, and the headers that answers always have. What a route says itself stays.
 */
export function addCommonAnswers(document: OpenAPIObject): void {
  document.components = {
    ...document.components,
    headers: Object.fromEntries(
      Object.entries(HEADERS).map(([name, header]) => [name, { ...header, schema: { type: 'string' } }]),
    ),
  };
  for (const { method, path, operation } of operationsOf(document)) {
    const isApi = path.startsWith('/api/');
    makeBodyOptional(document, operation);
    addProblems(operation, { ...ANY, ...(method !== 'get' && WITH_BODY), ...(isApi && LIMITED) });
    for (const [status, response] of Object.entries(operation.responses)) {
      const names = HEADERS_OF[status] ?? [];
      addHeaders(response as Response, isApi ? names : names.filter((name) => !name.startsWith('RateLimit')));
    }
  }
}

/** A body of which every field may be left out may be left out itself. */
function makeBodyOptional({ components }: OpenAPIObject, { requestBody }: Operation): void {
  const { content = {} } = (requestBody ?? {}) as Pick<Response, 'content'>;
  const schemas = Object.values(content).map(({ schema }) => {
    const name = (schema as { $ref: string }).$ref.split('/').at(-1) as string;
    return components?.schemas?.[name] as Schema;
  });
  if (schemas.length > 0 && schemas.every(({ required }) => !required))
    Object.assign(requestBody as object, { required: false });
}

function addProblems({ responses }: Operation, problems: Record<number, string>): void {
  for (const [status, description] of Object.entries(problems)) {
    responses[status] ??= problemResponse(Number(status), description);
  }
}

function addHeaders(response: Response, names: HeaderName[]): void {
  const common = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  response.headers = { ...Object.fromEntries(common), ...response.headers };
}
