import { randomUUID } from 'node:crypto';
import { EntityManager } from 'typeorm';
import { purgeEvents, takeBatch } from '../../../src/events/event-log';
import { PASSWORD, startApp, type TestApp } from '../../support/app';
import { holdLock } from '../../support/locks';

let app: TestApp;
beforeAll(async () => {
  // Without a relay: the tests call what it calls.
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

const relay = () => app.nest.get(EntityManager).transaction(takeBatch);
const purge = () => purgeEvents(app.nest.get(EntityManager), 30, new AbortController().signal);
const counter = async () => (await app.sql('SELECT last, purged FROM feed_position'))[0];
const remaining = async () =>
  (await app.sql('SELECT position FROM events ORDER BY position')).map(
    ({ position }: { position: number }) => position,
  );

async function place(count: number): Promise<void> {
  const lamp = await app.newProduct({ stock: count });
  for (let n = 0; n < count; n++) await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
}

it('logs the events of orders with their customer, and none of an account', async () => {
  const person = { name: 'Ann Smith', email: `${randomUUID()}@example.com`, password: PASSWORD };
  await app.anonymous.post('auth/register', person);
  await app.anonymous.post('auth/forgot-password', { email: person.email });
  await app.sql(
    `INSERT INTO outbox (topic, aggregate_type, aggregate_id, payload) VALUES ('order.unheard_of', 'order', 1, '{}')`,
  );
  await place(1);
  const events = await relay();
  expect(events.map(({ topic, position }) => [topic, position])).toEqual([
    ['user.email_confirmation', null],
    ['user.password_reset', null],
    ['order.unheard_of', null],
    ['order.placed', 1],
  ]);
  expect(await app.sql('SELECT position, id, type, user_id, sequence, payload, actor FROM events')).toEqual([
    {
      position: 1,
      id: events[3]?.event_id,
      type: 'order.placed',
      user_id: 1,
      sequence: 1,
      payload: { from_status: null, to_status: 'pending', reason: null },
      actor: { type: 'user', id: 1 },
    },
  ]);
});

it('numbers nothing twice, and leaves the outbox to the relay that is at work', async () => {
  await place(2);
  await app.sql('CREATE TABLE placed AS SELECT * FROM outbox');
  const lock = await holdLock(app.databaseUrl, 'SELECT FROM feed_position FOR UPDATE');
  expect(await relay()).toEqual([]);
  await lock.release();
  expect((await relay()).map(({ position }) => position)).toEqual([2, 3]);

  await app.sql('INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT * FROM placed');
  await place(1);
  expect((await relay()).map(({ position }) => position)).toEqual([null, null, 4]);
  expect(await counter()).toEqual({ last: 4, purged: 0 });
});

it('takes back the positions of a batch that is rolled back', async () => {
  await place(1);
  const manager = app.nest.get(EntityManager);
  const failing = manager.transaction(async (inside) => {
    expect(await takeBatch(inside)).toHaveLength(1);
    throw new Error('a consumer failed');
  });
  await expect(failing).rejects.toThrow('a consumer failed');
  expect(await counter()).toMatchObject({ last: 4 });
  expect((await relay()).map(({ position }) => position)).toEqual([5]);
});

it('deletes old events from the oldest on, and none behind a younger one', async () => {
  await app.sql(`UPDATE events SET created_at = now() - interval '31 days' WHERE position IN (1, 2, 4)`);
  await purge();
  expect([await remaining(), await counter()]).toEqual([[3, 4, 5], { last: 5, purged: 2 }]);
  await app.sql(`UPDATE events SET created_at = now() - interval '31 days'`);
  await purge();
  expect([await remaining(), await counter()]).toEqual([[], { last: 5, purged: 5 }]);
  await place(1);
  expect((await relay()).map(({ position }) => position)).toEqual([6]);
});
