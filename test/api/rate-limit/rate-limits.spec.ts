import { randomUUID } from 'node:crypto';
import { getRepositoryToken } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { ApiClient } from '../../../src/clients/api-client.entity';
import { LruRateLimiterMemory } from '../../../src/rate-limit/lru-rate-limiter-memory';
import { listen, logIn, PASSWORD, startApp, type TestApp, testConfig } from '../../support/app';
import { type Answer, Client } from '../../support/client';
import { hasRedis, RedisServer } from '../../support/redis';

const apps: TestApp[] = [];
afterAll(() => Promise.all(apps.map((app) => app.close())));

async function start(settings: NodeJS.ProcessEnv): Promise<TestApp> {
  const app = await startApp(settings);
  apps.push(app);
  return app;
}

/** Statuses of `count` requests, one after the other. */
async function statuses(count: number, send: (n: number) => Promise<Answer>): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) found.push((await send(n)).status);
  return found;
}

const times = (count: number, status: number) => Array<number>(count).fill(status);
const from = (client: Client, address: string) => client.with({ 'x-forwarded-for': address });
const wrong = { email: 'admin@example.com', password: 'not the password' };

describe('the limit of all requests', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ RATE_LIMIT_REQUESTS: '5', RATE_LIMIT_WINDOW: '3600', TRUSTED_PROXIES: '127.0.0.0/8, ::1' });
  });
  const at = (address: string) => from(app.anonymous, address);

  it('tells policy and rest on every answer, and refuses what is too much with Retry-After', async () => {
    const first = await at('192.0.2.1').get('products');
    expect(first.headers.get('ratelimit-policy')).toBe('"default";q=5;w=3600');
    expect(first.headers.get('ratelimit')).toMatch(/^"default";r=4;t=3600$/);
    await statuses(4, () => at('192.0.2.1').get('products'));
    const refused = await at('192.0.2.1').get('products');
    expect(refused.body).toMatchObject({ status: 429, code: 'RATE_LIMITED', title: 'Too Many Requests' });
    expect(refused.headers.get('ratelimit')).toMatch(/^"default";r=0;t=3\d{3}$/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3000);
  });

  it.each<[string, string, (client: Client) => Promise<Answer>, number]>([
    ['without a login', '192.0.2.2', (client) => client.get('orders'), 401],
    [
      'with a token that is none',
      '192.0.2.3',
      (client) => client.with({ authorization: 'Bearer x' }).get('orders'),
      401,
    ],
    [
      'with one token after the other',
      '192.0.2.31',
      (client) => client.with({ authorization: `Bearer ${crypto.randomUUID()}` }).get('orders'),
      401,
    ],
    [
      'with a client that is none',
      '192.0.2.4',
      (client) => client.with({ authorization: 'Basic eDp5' }).get('orders'),
      401,
    ],
    ['to addresses that do not exist', '192.0.2.5', (client) => client.get('/docsx'), 404],
    ['by methods that an address lacks', '192.0.2.6', (client) => client.send('DELETE', 'products'), 405],
    [
      'that cannot be read',
      '192.0.2.7',
      (client) => client.with({ 'content-type': 'application/json' }).post('orders', '{'),
      400,
    ],
    [
      'with a body that is too large',
      '192.0.2.32',
      (client) => client.post('auth/login', { email: 'x'.repeat(1_100_000) }),
      413,
    ],
    [
      'with a body of another type',
      '192.0.2.33',
      (client) => client.with({ 'content-type': 'text/csv' }).post('auth/login', 'a,b'),
      415,
    ],
  ])('counts requests %s by address', async (_, address, send, status) => {
    expect(await statuses(6, () => send(at(address)))).toEqual([...times(5, status), 429]);
  });

  it('counts each principal for itself, wherever they are, and leaves the address to others', async () => {
    const [ann, ben] = [await logIn(at('192.0.2.8'), await register()), await logIn(at('192.0.2.9'), await register())];
    expect(await statuses(6, (n) => from(ann, `192.0.2.1${n}`).get('auth/me'))).toEqual([...times(5, 200), 429]);
    expect((await from(ben, '192.0.2.10').get('auth/me')).status).toBe(200);
    expect((await at('192.0.2.10').get('products')).status).toBe(200);
  });

  it('counts an API client, by HTTP Basic and by token, as one', async () => {
    const { body } = await from(app.admin, '192.0.2.20').post('clients', { name: 'Shop' });
    const authorization = `Basic ${Buffer.from(`${body.client_id}:${body.client_secret}`).toString('base64')}`;
    const basic = at('192.0.2.20').with({ authorization });
    const grant = new URLSearchParams({ grant_type: 'client_credentials' });
    const { access_token } = (await basic.post('auth/token', grant)).body;
    const bearer = at('192.0.2.20').with({ authorization: `Bearer ${access_token}` });
    expect(await statuses(5, (n) => (n % 2 ? basic : bearer).get('orders'))).toEqual([...times(4, 200), 429]);
  });

  it('takes a whole /64 of IPv6 for one address', async () => {
    const one = (n: number) => at(`2001:db8:0:1::${n + 1}`).get('products');
    expect(await statuses(6, one)).toEqual([...times(5, 200), 429]);
    expect((await at('2001:db8:0:2::1').get('products')).status).toBe(200);
  });

  it('leaves health, metrics and documentation alone', async () => {
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics', '/openapi.json', '/docs', '/redoc']) {
      const answers = await statuses(6, () => at('192.0.2.30').get(path));
      expect(answers).toEqual(times(6, 200));
    }
  });

  it('counts guesses at METRICS_TOKEN', async () => {
    const { anonymous } = await start({ RATE_LIMIT_REQUESTS: '5', METRICS_TOKEN: 'a token for Prometheus' });
    const scrape = anonymous.with({ authorization: 'Bearer a guess' });
    // The login of the admin was the first request.
    expect(await statuses(5, () => scrape.get('/metrics'))).toEqual([...times(4, 401), 429]);
  });

  let people = 0;
  async function register() {
    const person = { name: 'Ann', email: `ann${people++}@example.com`, password: PASSWORD };
    await at(`198.51.100.${people}`).post('auth/register', person);
    return person;
  }
});

describe('addresses', () => {
  it('are not taken from X-Forwarded-For unless a trusted proxy says so', async () => {
    const app = await start({ RATE_LIMIT_REQUESTS: '5', TRUSTED_PROXIES: '10.0.0.0/8' });
    // The login of the admin was the first request.
    const answers = await statuses(5, (n) => from(app.anonymous, `192.0.2.${n}`).get('products'));
    expect(answers).toEqual([...times(4, 200), 429]);
  });

  it('are the last that a trusted proxy did not make itself', async () => {
    const app = await start({ RATE_LIMIT_REQUESTS: '5', TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' });
    const answers = await statuses(6, (n) =>
      from(app.anonymous, `192.0.2.${n}, 198.51.100.1, 10.1.2.3`).get('products'),
    );
    expect(answers).toEqual([...times(5, 200), 429]);
  });

  it.each([
    ['with a port', ['203.0.113.2:40001', '203.0.113.2:40002', '203.0.113.2']],
    ['in brackets', ['[2001:db8:7::1]:40001', '[2001:db8:7::1]', '2001:db8:7::1', '2001:DB8:7:0:0::2']],
    ['mapped into IPv6', ['203.0.113.3', '::ffff:203.0.113.3', '[::ffff:203.0.113.3]:40001', '::FFFF:cb00:7103']],
  ])('are one however a proxy writes them: %s', async (_, forms) => {
    const app = await start({ RATE_LIMIT_REQUESTS: '5', TRUSTED_PROXIES: '127.0.0.1' });
    const answers = await statuses(6, (n) => from(app.anonymous, forms[n % forms.length] as string).get('products'));
    expect(answers).toEqual([...times(5, 200), 429]);
  });

  it.each(['10.1.2.3:5555', '::ffff:10.1.2.3', '[::ffff:10.1.2.3]:5555'])(
    'pass a trusted proxy that is written as %s',
    async (proxy) => {
      const app = await start({ RATE_LIMIT_REQUESTS: '5', TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' });
      const answers = await statuses(6, (n) => from(app.anonymous, `198.51.100.${n}, ${proxy}`).get('products'));
      expect(answers).toEqual(times(6, 200));
    },
  );
});

describe('the limit of logins', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ AUTH_RATE_LIMIT_REQUESTS: '2', RATE_LIMIT_WINDOW: '3600', TRUSTED_PROXIES: '127.0.0.1' });
  });
  const at = (address: string) => from(app.anonymous, address);
  const person = { name: 'Ann', email: 'ann@example.com', password: PASSWORD };

  it.each<[string, string, (client: Client, n: number) => Promise<Answer>, number]>([
    ['login', '192.0.2.1', (client) => client.post('auth/login', wrong), 401],
    [
      'login, one password over many accounts',
      '192.0.2.2',
      (client, n) => client.post('auth/login', { email: `a${n}@example.com`, password: PASSWORD }),
      401,
    ],
    [
      'token',
      '192.0.2.3',
      (client) =>
        client.post('auth/token', new URLSearchParams({ grant_type: 'password', username: 'admin', password: 'x' })),
      401,
    ],
    [
      'register',
      '192.0.2.4',
      (client, n) => client.post('auth/register', { ...person, email: `b${n}@example.com` }),
      201,
    ],
    ['forgot-password', '192.0.2.5', (client) => client.post('auth/forgot-password', { email: 'c@example.com' }), 202],
    [
      'reset-password',
      '192.0.2.6',
      (client) => client.post('auth/reset-password', { token: 'x', new_password: PASSWORD }),
      400,
    ],
  ])('holds back an address: %s', async (_, address, send, status) => {
    expect(await statuses(3, (n) => send(at(address), n))).toEqual([status, status, 429]);
    expect((await send(at(`198.51.100.${address.split('.')[3]}0`), 8)).status).toBe(status);
    const refused = await send(at(address), 9);
    expect(refused.headers.get('ratelimit-policy')).toBe('"credentials";q=2;w=3600');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3000);
  });

  it('holds back many addresses at one account, but not the owner where they have logged in before', async () => {
    await at('192.0.2.7').post('auth/register', person);
    const login = (address: string, password = PASSWORD) =>
      at(address).post('auth/login', { email: person.email, password });
    expect((await login('198.51.100.1')).status).toBe(200);
    // At most ten times two, however many addresses there are.
    const attack = await statuses(21, (n) => login(`203.0.113.${n}`, 'a guess'));
    expect([attack[0], attack.at(-1)]).toEqual([401, 429]);
    expect((await login('198.51.100.2')).status).toBe(429);
    expect((await login('198.51.100.1')).status).toBe(200);
    const other = { ...person, email: 'other@example.com' };
    await at('192.0.2.8').post('auth/register', other);
    expect((await at('198.51.100.2').post('auth/login', { email: other.email, password: PASSWORD })).status).toBe(200);
  });

  it('does not count a login that went well', async () => {
    const ben = { ...person, email: 'ben@example.com' };
    await at('192.0.2.30').post('auth/register', ben);
    const login = (password: string) => at('192.0.2.31').post('auth/login', { email: ben.email, password });
    expect(await statuses(5, () => login(PASSWORD))).toEqual(times(5, 200));
    expect(await statuses(3, () => login('a guess'))).toEqual([401, 401, 429]);
  });

  it('counts guesses at one account together, whatever it is called', async () => {
    const cleo = { ...person, email: 'cleo.iris@example.com', username: 'iris' };
    await at('192.0.2.40').post('auth/register', cleo);
    const names = ['cleo.iris@example.com', 'CLEO.IRIS@EXAMPLE.COM', 'iris', 'IRIS'];
    const guess = (n: number) =>
      at(`203.0.113.${150 + n}`).post('auth/login', { username: names[n % 4], password: 'a guess' });
    const attack = await statuses(21, guess);
    expect(attack).toEqual([...times(20, 401), 429]);
  });

  it('an address becomes known to an account by its right password only', async () => {
    const [dora, eve] = [
      { ...person, email: 'dora@example.com' },
      { ...person, email: 'eve@example.com' },
    ];
    await at('192.0.2.50').post('auth/register', dora);
    await at('192.0.2.51').post('auth/register', eve);
    const own = (await at('198.51.100.66').post('auth/login', { email: eve.email, password: PASSWORD })).body;
    const grant = { grant_type: 'refresh_token', refresh_token: own.refresh_token };
    const trade = (fields: object) =>
      at('198.51.100.66').post('auth/token', new URLSearchParams({ ...grant, ...fields }));
    expect((await trade({ username: dora.email })).body.errors).toEqual([
      { field: 'username', message: 'does not belong to grant_type refresh_token' },
    ]);
    expect((await trade({})).status).toBe(200);
    await statuses(21, (n) => at(`203.0.113.${n}`).post('auth/login', { email: dora.email, password: 'a guess' }));
    const guess = at('198.51.100.66').with({ authorization: `Bearer ${own.access_token}` });
    expect((await guess.post('auth/login', { email: dora.email, password: 'a guess' })).status).toBe(429);
  });

  it('holds back guesses at the present password by whoever has a token, from one address and from many', async () => {
    const email = 'guessed@example.com';
    await at('192.0.2.20').post('auth/register', { ...person, email });
    const ann = await logIn(at('192.0.2.21'), { email, password: PASSWORD });
    const guess = (address: string) =>
      from(ann, address).post('auth/password', { current_password: 'a guess', new_password: 'another password' });
    expect(await statuses(3, () => guess('192.0.2.22'))).toEqual([400, 400, 429]);
    const attack = await statuses(19, (n) => guess(`203.0.113.${100 + n}`));
    expect([attack[0], attack.at(-1)]).toEqual([400, 429]);
  });
});

it('refreshes and client credentials have a limit of their own: 60 a minute', async () => {
  const app = await start({ AUTH_RATE_LIMIT_REQUESTS: '1' });
  const { body } = await app.admin.post('clients', { name: 'Shop' });
  const { client_id, client_secret } = body;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  expect(await statuses(61, () => app.anonymous.post('auth/token', form))).toEqual([...times(60, 200), 429]);
  const refresh = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' });
  const refused = await app.anonymous.post('auth/token', refresh);
  expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([429, '"tokens";q=60;w=60']);
  expect((await app.anonymous.post('auth/login', wrong)).status).toBe(401);
});

it('made-up clients cost no statement once the address has no requests left', async () => {
  const app = await start({ RATE_LIMIT_REQUESTS: '5', RATE_LIMIT_WINDOW: '3600', TRUSTED_PROXIES: '127.0.0.1' });
  const find = jest.spyOn(app.nest.get<Repository<ApiClient>>(getRepositoryToken(ApiClient)), 'findOneBy');
  const made = () => {
    const id = `client_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
    return `Basic ${Buffer.from(`${id}:x`).toString('base64')}`;
  };
  const ask = (path: string, address: string) => from(app.anonymous, address).with({ authorization: made() }).get(path);
  expect(await statuses(10, () => ask('orders', '192.0.2.1'))).toEqual([...times(5, 401), ...times(5, 429)]);
  expect(find).toHaveBeenCalledTimes(5);
  expect(await statuses(3, () => ask('/health/live', '192.0.2.2'))).toEqual(times(3, 200));
  expect(find).toHaveBeenCalledTimes(5);
  // A client that exists is known, also at an address that others have used up.
  const { body } = await app.admin.post('clients', { name: 'Shop' });
  const authorization = `Basic ${Buffer.from(`${body.client_id}:${body.client_secret}`).toString('base64')}`;
  const shop = app.anonymous.with({ authorization });
  expect((await from(shop, '192.0.2.3').get('orders')).status).toBe(200);
  expect((await from(shop, '192.0.2.1').get('orders')).status).toBe(200);
});

it('a limit in memory forgets who was asked about longest ago before it grows past its bound', async () => {
  const limiter = new LruRateLimiterMemory({ points: 2, duration: 3600 }, 2);
  const left = async (key: string) => (await limiter.consume(key)).remainingPoints;
  expect([await left('a'), await left('b'), await left('a'), await left('c')]).toEqual([1, 1, 0, 1]);
  await expect(left('a')).rejects.toMatchObject({ consumedPoints: 3 });
  expect(await left('b')).toBe(1);
});

if (!hasRedis && !process.env.CI) {
  it.skip('redis-server is not installed: what several processes count together is not tested', () => {});
} else {
  it('counts in Redis what several processes see, and goes on alone while Redis is away', async () => {
    const redis = await RedisServer.start();
    const settings = { RATE_LIMIT_REQUESTS: '20', RATE_LIMIT_WINDOW: '600', TRUSTED_PROXIES: '127.0.0.1/32' };
    const app = await start({ ...settings, REDIS_URL: redis.url });
    const second = await listen(testConfig(app.databaseUrl, { ...settings, REDIS_URL: redis.url }));
    const clients = [app.anonymous, new Client(second.origin)].map((client) => from(client, '192.0.2.6'));
    const answers = await statuses(22, (n) => (clients[n % 2] as Client).get('products'));
    expect(answers).toEqual([...times(20, 200), 429, 429]);

    await redis.stop();
    expect((await clients[0]?.get('products'))?.status).toBe(200);
    await second.nest.close();
  });
}
