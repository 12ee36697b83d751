import { retrySerialization } from '../src/common/database-errors';
import { startApp, type TestApp } from './support/app';
import type { Answer } from './support/client';
import { endConnections } from './support/database';
import { eventually } from './support/eventually';
import { holdLock } from './support/locks';

/** Every request of this file can use one of four connections. */
const POOL_SIZE = 4;

let app: TestApp;
let lamp: { id: number };
beforeAll(async () => {
  app = await startApp({ DATABASE_POOL_SIZE: String(POOL_SIZE) });
  lamp = await app.newProduct();
});
afterAll(() => app.close());

const rename = () => app.admin.patch(`products/${lamp.id}`, { name: 'Lamp' });
const lockLamp = () => holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${lamp.id} FOR UPDATE`);
const serves = () =>
  eventually(async () => (await app.anonymous.get(`products/${lamp.id}`)).status === 200, 'it serves again');

function expectUnavailable({ status, headers, body }: Answer): void {
  expect([status, headers.get('retry-after'), body.code]).toEqual([503, '1', 'UNAVAILABLE']);
  expect(body.detail).toBe('The database cannot answer just now. Try again shortly.');
}

it('who waits in vain for a lock is told to come again, within 5 s', async () => {
  const lock = await lockLamp();
  const started = Date.now();
  expectUnavailable(await rename());
  expect(Date.now() - started).toBeLessThan(5000);
  await lock.release();
  expect((await rename()).status).toBe(200);
});

it('whose connection is cut off is told to come again, whatever the request was doing', async () => {
  const requests = [
    rename,
    () => app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] }),
    () => app.admin.post(`products/${lamp.id}/stock`, { delta: 1, reason: 'delivery' }),
  ];
  const lock = await lockLamp();
  const running = requests.map((request) => request());
  await lock.waitedForBy(requests.length);
  await endConnections(app.databaseUrl, `wait_event_type = 'Lock'`);
  for (const answer of await Promise.all(running)) expectUnavailable(answer);
  await lock.release();
  await serves();
});

it('a restart of the database while nobody asks is noticed by nobody', async () => {
  await endConnections(app.databaseUrl);
  await serves();
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.anonymous.get('products')));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
});

it('while every connection is busy, others are told to come again within 5 s, and then it serves', async () => {
  const lock = await lockLamp();
  const blocked = Array.from({ length: POOL_SIZE }, rename);
  await lock.waitedForBy(POOL_SIZE);
  const started = Date.now();
  const others = await Promise.all(Array.from({ length: 50 }, () => app.anonymous.get('products')));
  expect(Date.now() - started).toBeLessThan(5000);
  for (const answer of others) expectUnavailable(answer);
  expect((await app.anonymous.get('/health/live')).status).toBe(200);
  await lock.release();
  await Promise.all(blocked);
  await serves();
});

it.each(['40P01', '40001'])(
  'what PostgreSQL ends with %s to let others go on is done again, twice at most',
  async (code) => {
    let tries = 0;
    const endedTimes = (count: number) => () => {
      tries += 1;
      return tries <= count ? Promise.reject(Object.assign(new Error('ended'), { code })) : Promise.resolve('done');
    };
    expect(await retrySerialization(endedTimes(2))).toBe('done');
    tries = 0;
    await expect(retrySerialization(endedTimes(3))).rejects.toThrow('ended');
    expect(tries).toBe(3);
  },
);
