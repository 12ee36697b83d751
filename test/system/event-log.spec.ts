import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import { startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';
import { sized } from '../support/size';

/** Transactions in all, of which one in twenty is rolled back. */
const TRANSACTIONS = sized(3_200, 800);
const WRITERS = 16;
const READERS = 3;

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

const connect = async () => {
  const client = new Client(app.databaseUrl);
  await client.connect();
  return client;
};

/** A relay as a process of its own. */
const startRelay = (settings: NodeJS.ProcessEnv = {}): Promise<Service> =>
  startService(BUILD, { DATABASE_URL: app.databaseUrl, SERVICE_ROLE: 'worker', ...settings });

/** Changes the orders in turn; every transaction commits up to 60 ms after it has written its event. */
async function write(orders: number[], count: number): Promise<void> {
  const client = await connect();
  for (let n = 0; n < count; n++) {
    const order = orders[Math.floor(Math.random() * orders.length)];
    await client.query('BEGIN');
    await client.query(
      `WITH changed AS (UPDATE orders SET version = version + 1 WHERE id = $1 RETURNING *)
       INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload)
       SELECT 'order.edited', 'order', id, version, jsonb_build_object('user_id', user_id) FROM changed`,
      [order],
    );
    await client.query('SELECT pg_sleep($1)', [Math.random() * 0.06]);
    await client.query(n % 20 === 0 ? 'ROLLBACK' : 'COMMIT');
  }
  await client.end();
}

/** What a consumer does that remembers the last position it has seen. Ends when `done` and nothing is left. */
async function follow(done: () => boolean): Promise<number[]> {
  const client = await connect();
  const seen: number[] = [];
  for (;;) {
    const last = done();
    const text = 'SELECT position FROM events WHERE position > $1 ORDER BY position LIMIT 100';
    const { rows } = await client.query(text, [seen.at(-1) ?? 0]);
    seen.push(...rows.map(({ position }) => position));
    if (rows.length === 0 && last) break;
    if (rows.length === 0) await setTimeout(5);
  }
  await client.end();
  return seen;
}

it('shows every event to readers that go on from the last position, while relays compete and one is killed', async () => {
  const user = await app.newUser();
  const lamp = await app.newProduct({ stock: 100 });
  const orders: number[] = [];
  for (let n = 0; n < 20; n++) {
    orders.push((await user.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] })).body.id);
  }
  const relays = await Promise.all([startRelay(), startRelay()]);
  const dying = await startRelay({ FAILPOINT: 'batch-relayed:2' });
  let alive = true;
  void dying.ended.then(() => {
    alive = false;
  });

  let done = false;
  const readers = Array.from({ length: READERS }, () => follow(() => done));
  await Promise.all(Array.from({ length: WRITERS }, () => write(orders, TRANSACTIONS / WRITERS)));
  // One relay works at a time: by itself, the one that is to die certainly has its turn.
  for (const relay of relays) await relay.terminate();
  while (alive) await write(orders, 2);
  const successor = await startRelay();
  await eventually(async () => (await app.sql('SELECT FROM outbox')).length === 0, 'the outbox is empty');
  await successor.terminate();
  done = true;

  const logged = (await app.sql('SELECT position FROM events ORDER BY position')).map(
    ({ position }: { position: number }) => position,
  );
  const [{ versions }] = await app.sql('SELECT sum(version)::int AS versions FROM orders');
  expect(logged).toEqual(Array.from({ length: versions }, (_, index) => index + 1));
  for (const seen of await Promise.all(readers)) expect(seen).toEqual(logged);
  // That the events of each order are in the order's own sequence is an invariant, and held when the application closes.
});
