import { randomUUID } from 'node:crypto';
import { ADMIN, logIn, startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import { type Answer, type Client, patiently } from '../support/client';
import { eventually } from '../support/eventually';
import { Fulfillment } from '../support/fulfillment';
import { hasRedis, RedisServer } from '../support/redis';
import { type Service, startService } from '../support/service';
import { sized } from '../support/size';
import { mailsAbout, SmtpSink } from '../support/smtp';

/** What three workers share. */
const ORDERS = sized(500, 150);

/** Several processes of the service on one database, and the fulfillment service that all of them call. */
let app: TestApp;
let fulfillment: Fulfillment;
let smtp: SmtpSink;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
  fulfillment = await Fulfillment.start();
  smtp = await new SmtpSink().start();
});
afterAll(async () => {
  await app.close();
  await fulfillment.close();
  await smtp.stop();
});

const startProcess = (settings: NodeJS.ProcessEnv): Promise<Service> =>
  startService(BUILD, {
    DATABASE_URL: app.databaseUrl,
    GATEWAY: 'http',
    GATEWAY_URL: fulfillment.url,
    GATEWAY_SECRET: 'a-gateway-secret-for-tests-of-32-bytes',
    ...settings,
  });

/** Orders one piece after the other; returns the ids. */
async function buy(client: Client, product: number, until: () => boolean): Promise<number[]> {
  const placed: number[] = [];
  while (!until()) {
    const once = client.with({ 'idempotency-key': randomUUID() });
    const { status, body } = await patiently(() =>
      once.post('orders', { items: [{ product_id: product, quantity: 1 }] }),
    );
    expect(status).toBe(201);
    placed.push(body.id);
  }
  return placed;
}

it('processes many orders once each, with one mail for each change, in two processes for the API and three that work', async () => {
  const lamp = await app.newProduct({ stock: 1_000 });
  const apis = [await startProcess({ SERVICE_ROLE: 'api' }), await startProcess({ SERVICE_ROLE: 'api' })];
  const settings = { SERVICE_ROLE: 'worker', SMTP_URL: smtp.url };
  const started = Date.now();
  const workers = await Promise.all([1, 2, 3].map(() => startProcess(settings)));
  let left = ORDERS;
  const until = () => left-- <= 0;
  const buyers = await Promise.all(apis.map((service) => logIn(service.anonymous, ADMIN)));
  const ids = (await Promise.all([...buyers, ...buyers].map((client) => buy(client, lamp.id, until)))).flat();
  expect(ids).toHaveLength(ORDERS);
  await eventually(async () => {
    const [{ count }] = await app.sql(`SELECT count(*)::int FROM orders WHERE status = 'completed'`);
    return count === ids.length;
  }, 'all orders are completed');
  // A slow machine may let an attempt fail; then the next one has a number of its own, and the same key.
  const attempts = fulfillment.calls.map(({ headers }) => headers['x-request-id']);
  expect(new Set(attempts).size).toBe(attempts.length);
  for (const id of ids) {
    expect(new Set(fulfillment.about(id).map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  }
  const changes = mailsAbout(ids);
  await eventually(() => smtp.delivered.length >= changes.length, 'all mails are out');
  await eventually(() => sweepTimes(workers).length > 8, 'there were several sweeps');
  const codes = await Promise.all([...apis, ...workers].map((service) => service.terminate()));
  expect(codes).toEqual([0, 0, 0, 0, 0]);
  const completedBy = ({ output }: Service) => output().match(/"outcome":"completed"/g)?.length ?? 0;
  expect(apis.map(completedBy)).toEqual([0, 0]);
  const shares = workers.map(completedBy);
  expect(shares.reduce((sum, share) => sum + share)).toBe(ORDERS);
  // Nobody does less than a tenth.
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(ORDERS / 10);
  expectOneSweepEachSecond(workers, started);
  expect(smtp.delivered.map(({ reference }) => reference).sort()).toEqual(changes.sort());
});

/** When one of them was through with a sweep. */
function sweepTimes(workers: Service[]): number[] {
  const text = workers.map(({ output }) => output()).join('');
  const lines = text.matchAll(/"time":"([^"]+)".*"operation":"processing.sweep"/g);
  return [...lines].map(([, time]) => Date.parse(time as string));
}

/** However many processes have the timer, there is one sweep in each interval, which is a second here. */
function expectOneSweepEachSecond(workers: Service[], started: number): void {
  const times = sweepTimes(workers);
  expect(times.length).toBeLessThanOrEqual((Math.max(...times) - started) / 1000 + 1);
}

if (!hasRedis && !process.env.CI) {
  it.skip('redis-server is not installed: limits that several processes share are not tested', () => {});
} else {
  it('counts every rate limit once for all processes', async () => {
    const redis = await RedisServer.start();
    const limits = { RATE_LIMIT_REQUESTS: '40', AUTH_RATE_LIMIT_REQUESTS: '6', RATE_LIMIT_WINDOW: '600' };
    const settings = { SERVICE_ROLE: 'api', REDIS_URL: redis.url, ...limits };
    const apis = [await startProcess(settings), await startProcess(settings)];
    const one = await logIn((apis[0] as Service).anonymous, ADMIN);
    const other = one.at((apis[1] as Service).origin);
    const wrong = { ...ADMIN, password: 'not the password' };
    const logins = await inTurn(8, apis, ({ anonymous }) => anonymous.post('auth/login', wrong));
    // The successful login does not count.
    expect(logins).toEqual([...Array(6).fill(401), ...Array(2).fill(429)]);
    const requests = await inTurn(44, [one, other], (client) => client.get('orders'));
    expect(requests).toEqual([...Array(40).fill(200), ...Array(4).fill(429)]);
    await Promise.all(apis.map((service) => service.terminate()));
    await redis.stop();
  });
}

/** The statuses of so many requests, each sent to another process than the one before. */
async function inTurn<T>(times: number, places: T[], send: (place: T) => Promise<Answer>): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await send(places[n % places.length] as T)).status);
  return statuses;
}
