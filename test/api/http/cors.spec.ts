import { startApp, type TestApp } from '../../support/app';

const SHOP = 'https://shop.example';

describe('with CORS_ORIGINS', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ CORS_ORIGINS: `${SHOP}, http://localhost:3000` });
  });
  afterAll(() => app.close());

  it.each([SHOP, 'http://localhost:3000'])(
    'pages of %s may read answers and what their headers tell',
    async (origin) => {
      const { headers } = await app.anonymous.with({ origin }).get('products');
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toContain('Origin');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      const exposed = headers.get('access-control-expose-headers')?.split(/, */);
      expect(exposed).toEqual(
        expect.arrayContaining(['ETag', 'Location', 'X-Request-Id', 'RateLimit', 'Idempotent-Replayed', 'Retry-After']),
      );
    },
  );

  it.each([
    ['refused', 'orders', 401],
    ['missing', '/nowhere', 404],
  ])('pages may also read what is %s', async (_, path, status) => {
    const answer = await app.anonymous.with({ origin: SHOP }).get(path);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, SHOP]);
  });

  it('answers the question that a browser asks first', async () => {
    const answer = await fetch(new URL('/api/v1/orders', app.origin), {
      method: 'OPTIONS',
      headers: {
        origin: SHOP,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });

  it('tells other pages nothing, and still knows which methods an address has', async () => {
    const { headers } = await app.anonymous.with({ origin: 'https://shop.example.evil' }).get('products');
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const refused = await app.anonymous.delete('products');
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect((await app.anonymous.delete('nowhere')).status).toBe(404);
  });
});

describe('without CORS_ORIGINS', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('no page may read anything', async () => {
    const { headers } = await app.anonymous.with({ origin: SHOP }).get('products');
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it.each(['/api/v1/products', '/health', '/nowhere'])(
    '%s cannot be framed, sniffed, or run as a page',
    async (path) => {
      const { headers } = await app.anonymous.get(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    },
  );

  it('the documentation may load its own files', async () => {
    const { headers } = await app.anonymous.get('/docs');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  });
});
