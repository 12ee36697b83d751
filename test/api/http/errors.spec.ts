import { startApp, type TestApp } from '../../support/app';
import type { Answer, Client } from '../../support/client';
import { sendRaw } from '../../support/raw';

let app: TestApp;
let json: Client;
beforeAll(async () => {
  app = await startApp();
  json = app.admin.with({ 'content-type': 'application/json' });
});
afterAll(() => app.close());

/** Holds an answer to the shape that every error has, and to this status and code. */
function expectProblem(answer: Answer, status: number, code: string, instance: string): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.body).toMatchObject({
    type: `urn:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: expect.stringMatching(/^[A-Z][A-Za-z ]+$/),
    status,
    detail: expect.stringMatching(/\.$/),
    instance,
    code,
    request_id: answer.headers.get('x-request-id'),
  });
  expect(answer.status).toBe(status);
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('a body', () => {
  it.each<[string, string | Uint8Array]>([
    ['that is cut off', '{"name": "La'],
    ['that is not JSON', 'name=Lamp'],
    ['with something after it', '{} {}'],
    ['with bytes that are not UTF-8', Uint8Array.from(Buffer.from('{"name":"\xff\xfe"}', 'latin1'))],
    ['with a __proto__ key', '{"__proto__":{"role":"admin"}}'],
    ['with a __proto__ key further down', '{"metadata":{"a":[{"__proto__":{}}]}}'],
    ['with a constructor.prototype key', '{"constructor":{"prototype":{"role":"admin"}}}'],
    ['nested 21 deep', nested(21)],
    ['nested 3,000 deep', nested(3000)],
    ['nested 50,000 deep', nested(50_000)],
    ['nested 50,000 deep and never closed', '['.repeat(50_000)],
  ])('%s cannot be read', async (_, body) => {
    expectProblem(await json.post('products', body), 400, 'MALFORMED_REQUEST', '/api/v1/products');
  });

  it.each([
    ['a NUL character', '{"name":"a\\u0000b","price_cents":1}', 'name'],
    ['a lone surrogate', '{"name":"\\ud800","price_cents":1}', 'name'],
    ['a NUL character in a key', '{"name":"a","price_cents":1,"metadata":{"\\u0000":1}}', 'metadata'],
    ['nothing', 'null', undefined],
    ['a list', '[]', undefined],
    ['text', '"name"', undefined],
    ['a number', '1', undefined],
  ])('that holds %s is refused', async (_, body, field) => {
    const answer = await json.post('products', body);
    expectProblem(answer, 400, 'VALIDATION_FAILED', '/api/v1/products');
    if (field) expect(answer.body.errors[0].field).toBe(field);
  });

  it.each([
    ['missing', undefined],
    ['empty', ''],
  ])('that is %s is refused where one is needed', async (_, body) => {
    expectProblem(await json.post('products', body), 400, 'VALIDATION_FAILED', '/api/v1/products');
  });

  it('of more than 1 MiB is too large, whether it says its length or not', async () => {
    const big = `{"name":"${'a'.repeat(1_048_576)}"}`;
    expectProblem(await json.post('products', big), 413, 'PAYLOAD_TOO_LARGE', '/api/v1/products');
    const chunked = await fetch(new URL('/api/v1/products', app.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([big]).stream(),
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
  });

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=a', 'nonsense', 'application/json5'])(
    'sent as %s is of an unsupported type',
    async (type) => {
      const answer = await app.admin.with({ 'content-type': type }).post('products', '{"name":"a","price_cents":1}');
      expectProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE', '/api/v1/products');
    },
  );
});

describe('an address', () => {
  it.each(['/', '/api/v1', '/api/v1/nothing', '/api/v1/orders/1/nothing', '/orders', '/api/v2/orders'])(
    '%s that does not exist is 404',
    async (path) => {
      expectProblem(await app.admin.get(`${path}?secret=1`), 404, 'NOT_FOUND', path);
    },
  );

  it.each([
    ['DELETE', '/api/v1/orders', ['GET', 'HEAD', 'POST']],
    ['PUT', '/api/v1/orders/1', ['GET', 'HEAD', 'PATCH']],
    ['GET', '/api/v1/orders/1/cancel', ['PATCH']],
    ['POST', '/health', ['GET', 'HEAD']],
    ['DELETE', '/api/v1/auth/login', ['POST']],
    ['QUERY', '/api/v1/orders', ['GET', 'HEAD', 'POST']],
  ])('that exists says what it answers to: %s %s', async (method, path, allowed) => {
    const answer = await app.admin.send(method, path);
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED', path);
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allowed);
  });

  it('that is encoded badly cannot be read', async () => {
    expectProblem(await app.admin.get('/api/v1/orders/%E0%A4%A'), 400, 'MALFORMED_REQUEST', '/api/v1/orders/%E0%A4%A');
  });

  it('with a NUL character in it is refused', async () => {
    expectProblem(await app.admin.get('/api/v1/orders/%00'), 400, 'VALIDATION_FAILED', '/api/v1/orders/%00');
    expectProblem(await app.anonymous.get('/api/v1/products?q=%00'), 400, 'VALIDATION_FAILED', '/api/v1/products');
  });

  it('with a parameter of more than 200 characters is too long', async () => {
    const path = `/api/v1/orders/${'a'.repeat(201)}`;
    expectProblem(await app.admin.get(path), 414, 'URI_TOO_LONG', path);
  });
});

describe('on the wire', () => {
  const GET = 'GET /health/live HTTP/1.1\r\nHost: a\r\n';

  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    ['a request for HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    ['an unknown method', 'STEAL /health/live HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    ['a header without a colon', `${GET}nonsense\r\n\r\n`, 400, 'MALFORMED_REQUEST'],
    ['two lengths', `${GET}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400, 'MALFORMED_REQUEST'],
    ['no Host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    ['headers of 20 KB', `${GET}X: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['an address of 20 KB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ])('%s is answered as a problem too', async (_, bytes, status, code) => {
    const { headers, body, ...answer } = await sendRaw(app.origin, bytes);
    expectProblem({ ...answer, headers, body: JSON.parse(body) }, status, code, expect.stringMatching(/^\//));
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
  });
});

describe('the request id', () => {
  it.each(['abc-123', 'A.b:c_d', 'x'.repeat(64)])('%s is taken from the request', async (id) => {
    const answer = await app.anonymous.with({ 'x-request-id': id }).get('nothing');
    expect([answer.headers.get('x-request-id'), answer.body.request_id]).toEqual([id, id]);
  });

  it.each(['', 'x'.repeat(65), 'a b', '<script>', 'é'])(
    'is made where the request has none that is sane: %j',
    async (id) => {
      const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
      expect(
        (await app.anonymous.with({ 'x-request-id': id }).get('/health/live')).headers.get('x-request-id'),
      ).toMatch(uuid);
    },
  );
});

it('who is not logged in learns how to, and nothing about what is there', async () => {
  for (const path of ['orders', 'orders/1', 'auth/me']) {
    const answer = await app.anonymous.get(path);
    expectProblem(answer, 401, 'UNAUTHENTICATED', `/api/v1/${path}`);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
  }
});

it('what nobody expected is answered without a word about the inside', async () => {
  await app.sql('ALTER TABLE products RENAME COLUMN description TO moved');
  // Not by a client, who would complain: that this can happen is not documented.
  const answers = await Promise.all(
    ['products', 'products/1'].map(async (path) => {
      const response = await fetch(new URL(`/api/v1/${path}`, app.origin));
      return { status: response.status, headers: response.headers, body: (await response.json()) as object };
    }),
  );
  await app.sql('ALTER TABLE products RENAME COLUMN moved TO description');
  for (const answer of answers) {
    expectProblem(answer, 500, 'INTERNAL_ERROR', expect.stringContaining('/products'));
    expect(Object.keys(answer.body).sort()).toEqual([
      'code',
      'detail',
      'instance',
      'request_id',
      'status',
      'title',
      'type',
    ]);
    expect(JSON.stringify(answer.body)).not.toMatch(/column|SELECT|moved|description|\.ts|at /);
  }
  expect((await app.anonymous.get('products')).status).toBe(200);
});
