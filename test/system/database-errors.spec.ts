import { DataSource } from 'typeorm';
import { retrySerialization } from '../../src/errors/database-errors';
import { startApp, type TestApp } from '../support/app';
import type { Answer } from '../support/client';
import { endConnections } from '../support/database';
import { eventually } from '../support/eventually';
import { holdLock } from '../support/locks';
import { sized } from '../support/size';

/** Every request of this file can use one of four connections. */
const POOL_SIZE = 4;

const ROUNDS = sized(30, 12);

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
const writes = [
  rename,
  () => app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] }),
  () => app.admin.post(`products/${lamp.id}/stock`, { delta: 2, reason: 'delivery' }),
];

function expectUnavailable({ status, headers, body }: Answer): void {
  expect([status, headers.get('retry-after'), body.code]).toEqual([503, '1', 'UNAVAILABLE']);
  expect(body.detail).toBe('The database cannot answer just now. Try again shortly.');
}

it('a request that waits too long for a lock is told to try again by the limit of the lock, not by its deadline', async () => {
  const lock = await lockLamp();
  expectUnavailable(await rename());
  await lock.release();
  expect((await rename()).status).toBe(200);
});

it('a request whose connection is ended is told to try again, whatever it was doing', async () => {
  const lock = await lockLamp();
  const running = writes.map((request) => request());
  await lock.waitedForBy(writes.length);
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

it(`connections that are ended ${ROUNDS} times, idle, in a transaction or at a lock, make no answer worse than 503`, async () => {
  const moments = [`state = 'idle'`, 'xact_start IS NOT NULL', `wait_event_type = 'Lock'`];
  const answers: Answer[] = [];
  let over = false;
  const people = [...writes, ...writes, () => app.anonymous.get('products')].map(async (request) => {
    while (!over) answers.push(await request());
  });
  for (let round = 0; round < ROUNDS; round++) {
    const moment = moments[round % moments.length] as string;
    const lock = moment.includes('Lock') ? await lockLamp() : undefined;
    await lock?.waitedForBy(1);
    await eventually(async () => (await endConnections(app.databaseUrl, moment)).rowCount, `one is ended: ${moment}`);
    await lock?.release();
  }
  over = true;
  await Promise.all(people);
  for (const answer of answers.filter(({ status }) => status >= 400)) expectUnavailable(answer);
  expect(answers.length).toBeGreaterThan(ROUNDS);
  await serves();
});

it('while every connection is busy, others are told to try again by the limit of the pool, and then it serves', async () => {
  // Not held against the document, which would take this process longer than the service may.
  const askOne = async (path: string) => {
    const answer = await fetch(`${app.origin}${path}`);
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const ask = (path: string) => Promise.all(Array.from({ length: 200 }, () => askOne(path)));
  // Connections that wait for a lock give up after 2 s, and on a busy machine other requests get them then.
  const taken = Array.from({ length: POOL_SIZE }, () => app.nest.get(DataSource).createQueryRunner());
  await Promise.all(taken.map((runner) => runner.connect()));
  const others = await ask('/api/v1/products');
  for (const answer of others) expectUnavailable(answer);
  expect((await app.anonymous.get('/health/live')).status).toBe(200);
  await Promise.all(taken.map((runner) => runner.release()));
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
