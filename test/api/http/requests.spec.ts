import { startApp, type TestApp } from '../../support/app';
import { sendRaw } from '../../support/raw';

let app: TestApp;
let worker: TestApp;
beforeAll(async () => {
  [app, worker] = await Promise.all([startApp(), startApp({ SERVICE_ROLE: 'worker' })]);
});
afterAll(() => Promise.all([app.close(), worker.close()]));

const LINE = { name: 'Lamp', unit_price_cents: 100, quantity: 1 };
const place = (fields: object = {}, headers: Record<string, string> = {}) =>
  app.admin.with(headers).post('orders', { user_id: 1, items: [LINE], ...fields });

describe('a body', () => {
  it('that is compressed is 415, naming Content-Encoding', async () => {
    const { status, body } = await place({}, { 'content-encoding': 'gzip' });
    expect([status, body.detail]).toEqual([415, expect.stringContaining('Content-Encoding')]);
  });

  it('that is a form is taken by the token endpoint only', async () => {
    const form = new URLSearchParams({ email: 'ann@example.com', password: 'correct horse battery' });
    expect((await app.anonymous.post('auth/login', form)).status).toBe(415);
    const grant = new URLSearchParams({ grant_type: 'password', username: 'admin', password: 'a long admin password' });
    expect((await app.anonymous.post('auth/token', grant)).status).toBe(200);
  });

  it.each(['9007199254740993', '-9007199254740993', '1e400', '0.12345678901234567890', '1e-400'])(
    'with the number %s is refused: it would change',
    async (number) => {
      const body = `{"user_id": 1, "items": [${JSON.stringify(LINE)}], "metadata": {"number": ${number}}}`;
      const { status, body: problem } = await app.admin
        .with({ 'content-type': 'application/json' })
        .post('orders', body);
      expect([status, problem.code, problem.detail]).toEqual([
        400,
        'MALFORMED_REQUEST',
        expect.stringContaining(number),
      ]);
    },
  );

  it.each(['-0', '[{"deep": -0.0}]'])('with %s in its metadata is refused: it would become 0', async (value) => {
    const body = `{"user_id": 1, "items": [${JSON.stringify(LINE)}], "metadata": {"value": ${value}}}`;
    const { status, body: problem } = await app.admin.with({ 'content-type': 'application/json' }).post('orders', body);
    expect([status, problem.errors]).toEqual([
      400,
      [{ field: 'metadata', message: 'must not hold -0, which would become 0' }],
    ]);
  });

  it.each(['9007199254740991', '1e3', '1.50', '0.1', '1.5e-7', '123456789012345680000', '"9007199254740993"', '0'])(
    'with %s is kept as it is',
    async (value) => {
      const body = `{"user_id": 1, "items": [${JSON.stringify(LINE)}], "metadata": {"value": ${value}}}`;
      const { status, body: order } = await app.admin.with({ 'content-type': 'application/json' }).post('orders', body);
      expect(status).toBe(201);
      expect((await app.admin.get(`orders/${order.id}`)).body.metadata).toEqual({ value: JSON.parse(value) });
    },
  );
});

describe('a header', () => {
  it('Idempotency-Key that is sent twice is refused', async () => {
    const body = JSON.stringify({ items: [LINE] });
    const head = `POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    const token = await bearer();
    const { status, body: problem } = await sendRaw(
      app.origin,
      `${head}\r\nAuthorization: ${token}\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nConnection: close\r\n\r\n${body}`,
    );
    expect([status, JSON.parse(problem).code]).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
  });

  it('If-None-Match of the present version is answered with 304, weakly compared', async () => {
    const { body: order } = await place();
    for (const tags of ['"1"', 'W/"1"', '"9", "1"', '*']) {
      const { status, body, headers } = await app.admin.with({ 'if-none-match': tags }).get(`orders/${order.id}`);
      expect([tags, status, body, headers.get('etag')]).toEqual([tags, 304, '', '"1"']);
    }
    for (const tags of ['"2"', 'x', '']) {
      const { status, body } = await app.admin.with({ 'if-none-match': tags }).get(`orders/${order.id}`);
      expect([tags, status, body.id]).toEqual([tags, 200, order.id]);
    }
  });

  it('If-Match takes a list, and compares strongly', async () => {
    const { body: order } = await place();
    const edit = (tags: string) => app.admin.with({ 'if-match': tags }).patch(`orders/${order.id}`, { note: tags });
    expect((await edit('W/"1"')).status).toBe(412);
    expect((await edit('"7", "8"')).status).toBe(412);
    expect((await edit('"7", "1"')).status).toBe(200);
    expect((await edit('"1", "2"')).body.version).toBe(3);
  });
});

describe('a product', () => {
  it('has an ETag that its stock changes, and If-Match compares its version', async () => {
    const lamp = await app.newProduct({ stock: 5 });
    const read = await app.anonymous.get(`products/${lamp.id}`);
    const etag = read.headers.get('etag') as string;
    expect((await app.anonymous.with({ 'if-none-match': etag }).get(`products/${lamp.id}`)).status).toBe(304);
    await app.admin.post(`products/${lamp.id}/stock`, { delta: 1, reason: 'found' });
    expect((await app.anonymous.with({ 'if-none-match': etag }).get(`products/${lamp.id}`)).status).toBe(200);
    const edit = (tag: string) => app.admin.with({ 'if-match': tag }).patch(`products/${lamp.id}`, { price_cents: 5 });
    const edited = await edit(etag);
    expect([edited.status, edited.body.version]).toEqual([200, 2]);
    expect((await edit(etag)).status).toBe(412);
    expect((await edit(edited.headers.get('etag') as string)).status).toBe(200);
  });

  it('of 20 edits with one ETag one goes through', async () => {
    const lamp = await app.newProduct();
    const edit = (price_cents: number) =>
      app.admin.with({ 'if-match': '"1"' }).patch(`products/${lamp.id}`, { price_cents });
    const statuses = (await Promise.all(Array.from({ length: 20 }, (_, n) => edit(n)))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, ...Array(19).fill(412)]);
  });
});

it('responses of the API are not for caches, but those about products may be kept and asked about', async () => {
  const { body: order } = await place();
  expect((await app.admin.get(`orders/${order.id}`)).headers.get('cache-control')).toBe('no-store');
  expect((await app.admin.get('auth/me')).headers.get('cache-control')).toBe('no-store');
  expect((await app.admin.get('orders/999999')).headers.get('cache-control')).toBe('no-store');
  expect((await app.anonymous.get('products')).headers.get('cache-control')).toBe('no-cache');
});

it('an order is found by its number as people type it', async () => {
  const { body: order } = await place();
  await app.sql(`UPDATE orders SET number = 'ORD-0011AB0Z' WHERE id = $1`, [order.id]);
  for (const typed of ['ORD-0011AB0Z', 'ord-0011ab0z', 'ORD-OOIlabOz', 'ord-o0LiABOZ'])
    expect([typed, (await app.admin.get(`orders/${typed}`)).body.id]).toEqual([typed, order.id]);
  expect((await app.admin.get('orders/0RD-0011AB0Z')).status).toBe(404);
});

describe('the matched route decides, however its address is written:', () => {
  it('a worker serves no API', async () => {
    for (const path of ['/api/v1/products', '/%61pi/v1/products', '/api/v1/%70roducts', '/api/v1/products/'])
      expect([path, (await fetch(`${worker.origin}${path}`)).status]).toEqual([path, 404]);
  });

  it('unknown query fields are refused', async () => {
    for (const path of ['/api/v1/auth/me?x=1', '/%61pi/v1/auth/me?x=1'])
      expect([path, (await app.admin.get(path)).status]).toEqual([path, 400]);
  });
});

describe('what Node would answer by itself has a problem document:', () => {
  it('an unknown Expect', async () => {
    const head = 'GET /api/v1/products HTTP/1.1\r\nHost: a\r\nExpect: bogus\r\n\r\n';
    const { status, body } = await sendRaw(app.origin, head);
    expect([status, JSON.parse(body).code]).toEqual([417, 'EXPECTATION_FAILED']);
  });

  it('CONNECT', async () => {
    const head = 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n';
    const { status, body } = await sendRaw(app.origin, head);
    expect([status, JSON.parse(body).code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });

  it('OPTIONS * is answered with 204', async () => {
    const head = 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect((await sendRaw(app.origin, head)).status).toBe(204);
  });
});

it('connections are kept for longer than load balancers keep theirs', async () => {
  const response = await fetch(`${app.origin}/health/live`);
  expect(response.headers.get('keep-alive')).toBe('timeout=65');
});

/** The header of an admin's access token. */
async function bearer(): Promise<string> {
  const login = { email: 'admin@example.com', password: 'a long admin password' };
  return `Bearer ${(await app.anonymous.post('auth/login', login)).body.access_token}`;
}
