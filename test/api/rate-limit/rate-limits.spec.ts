import { listen, startApp, type TestApp, testConfig } from '../../support/app';
import { type Answer, Client } from '../../support/client';
import { hasRedis, RedisServer } from '../../support/redis';

const LIMITS = { RATE_LIMIT_REQUESTS: '20', AUTH_RATE_LIMIT_REQUESTS: '5', RATE_LIMIT_WINDOW: '600' };
/** As many at first as the set-up of a test needs, its people included. */
const started: TestApp[] = [];
async function start(settings: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  const app = await startApp({ ...LIMITS, TRUSTED_PROXIES: '127.0.0.1/32', ...settings });
  started.push(app);
  return app;
}
afterEach(async () => {
  for (const app of started.splice(0)) await app.close();
});

const repeat = async (times: number, send: (n: number) => Promise<Answer>) => {
  const answers: Answer[] = [];
  for (let n = 0; n < times; n++) answers.push(await send(n));
  return answers;
};
const statuses = (answers: Answer[]) => answers.map(({ status }) => status);
const from = (client: Client, address: string) => client.with({ 'x-forwarded-for': address });

it('tells what is left, and refuses what is more, until the window ends', async () => {
  const { anonymous } = await start();
  const client = from(anonymous, '192.0.2.1');
  const answers = await repeat(21, () => client.get('products'));
  expect(statuses(answers)).toEqual([...Array(20).fill(200), 429]);
  expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"default";q=20;w=600');
  expect(answers[0]?.headers.get('ratelimit')).toMatch(/^"default";r=19;t=(600|599)$/);
  const refused = answers[20] as Answer;
  expect(refused.body.code).toBe('RATE_LIMITED');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(590);
  expect(refused.headers.get('ratelimit')).toMatch(/^"default";r=0;/);
});

it('counts a user and not their address, and each user alone', async () => {
  const app = await start({ RATE_LIMIT_REQUESTS: '30' });
  const [ann, bob] = [await app.newUser(), await app.newUser()];
  await repeat(30, (n) => from(ann, `192.0.2.${n}`).get('orders'));
  expect((await from(ann, '192.0.2.99').get('orders')).status).toBe(429);
  expect((await from(bob, '192.0.2.1').get('orders')).status).toBe(200);
});

it('counts those who try one token after the other', async () => {
  const { anonymous } = await start();
  const client = from(anonymous, '192.0.2.2');
  const answers = await repeat(21, (n) => client.with({ authorization: `Bearer ${n}` }).get('orders'));
  expect(statuses(answers)).toEqual([...Array(20).fill(401), 429]);
});

it.each([
  ['auth/login', (n: number) => ({ email: `a${n}@example.com`, password: 'one password' })],
  ['auth/register', (n: number) => ({ name: 'A', email: `b${n}@example.com`, password: 'x' })],
  ['auth/forgot-password', (n: number) => ({ email: `c${n}@example.com` })],
  ['auth/reset-password', () => ({ token: 'x', new_password: 'correct horse battery' })],
])('gives an address 5 attempts at %s, over all accounts', async (path, body) => {
  const { anonymous } = await start();
  const answers = await repeat(6, (n) => from(anonymous, '192.0.2.3').post(path, body(n)));
  expect(statuses(answers).slice(0, 5)).not.toContain(429);
  expect(answers[5]?.status).toBe(429);
  expect((await from(anonymous, '192.0.2.4').post(path, body(9))).status).not.toBe(429);
});

it('slows guesses at one account from many addresses, without a single one locking its owner out', async () => {
  const app = await start();
  const ann = await app.newUser();
  const guess = (n: number) =>
    from(app.anonymous, `192.0.2.${n}`).post('auth/login', { email: ann.email, password: 'x' });
  await repeat(6, () => guess(1));
  expect((await guess(2)).status).toBe(401);
  const answers = await repeat(60, (n) => guess(10 + Math.floor(n / 4)));
  expect(statuses(answers)).toContain(429);
});

it('takes the addresses of one IPv6 network for one, and those of two for two', async () => {
  const { anonymous } = await start();
  await repeat(20, (n) => from(anonymous, `2001:db8:1:1::${n + 1}`).get('products'));
  expect((await from(anonymous, '2001:db8:1:1:ffff::1').get('products')).status).toBe(429);
  expect((await from(anonymous, '2001:db8:1:2::1').get('products')).status).toBe(200);
});

it('believes no X-Forwarded-For of somebody who is not a trusted proxy', async () => {
  const { anonymous } = await start({ TRUSTED_PROXIES: '' });
  const answers = await repeat(25, (n) => from(anonymous, `192.0.2.${n}`).get('products'));
  expect(statuses(answers)).toContain(429);
});

it('never limits health and metrics', async () => {
  const { anonymous } = await start();
  const answers = await repeat(30, () => from(anonymous, '192.0.2.5').get('/health/live'));
  expect(statuses(answers)).toEqual(Array(30).fill(200));
});

if (!hasRedis && !process.env.CI) {
  it.skip('redis-server is not installed: what several processes count together is not tested', () => {});
} else {
  it('counts in Redis what several processes see, and goes on alone while Redis is away', async () => {
    const redis = await RedisServer.start();
    const app = await start({ REDIS_URL: redis.url });
    const second = await listen(
      testConfig(app.databaseUrl, { ...LIMITS, REDIS_URL: redis.url, TRUSTED_PROXIES: '127.0.0.1' }),
    );
    const clients = [app.anonymous, new Client(second.origin)].map((client) => from(client, '192.0.2.6'));
    const answers = await repeat(22, (n) => (clients[n % 2] as Client).get('products'));
    expect(statuses(answers)).toEqual([...Array(20).fill(200), 429, 429]);

    await redis.stop();
    expect((await clients[0]?.get('products'))?.status).toBe(200);
    await second.nest.close();
  });
}
