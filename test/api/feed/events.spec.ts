import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { EntityManager } from 'typeorm';
import { purgeEvents } from '../../../src/events/event-log';
import { startApp, type TestApp } from '../../support/app';
import type { Client } from '../../support/client';
import { eventually } from '../../support/eventually';
import { SEED } from '../../support/seed';

let app: TestApp;
let ann: Client & { id: number };
let bob: Client & { id: number };
let orders: { ann: number; bob: number };
beforeAll(async () => {
  app = await startApp({ PROCESSING_INTERVAL_SECONDS: '86400' });
  [ann, bob] = await Promise.all([app.newUser(), app.newUser()]);
  orders = { ann: await place(ann), bob: await place(bob) };
  await app.admin.patch(`orders/${orders.ann}/status`, { status: 'paid', reason: 'cash' });
  await ann.patch(`orders/${orders.ann}/cancel`, { reason: 'too late' });
  await logged(4);
});
afterAll(() => app.close());

async function place(client: Client): Promise<number> {
  const lamp = await app.newProduct();
  return (await client.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] })).body.id;
}

const logged = (position: number) =>
  eventually(
    async () => (await app.admin.get('events?limit=1')).body.latest_position >= position,
    `position ${position} is in the log`,
  );
const list = async (client: Client, query = '') => (await client.get(`events${query}`)).body;
const typesOf = ({ events }: { events: { type: string }[] }) => events.map(({ type }) => type);

describe('GET /events', () => {
  it('lists what happened to an order, the oldest first', async () => {
    const { events, ...page } = await list(ann);
    expect(page).toEqual({ next_after: 4, has_more: false, oldest_position: 1, latest_position: 4 });
    const order = { order_id: orders.ann, order_number: expect.stringMatching(/^ORD-/), user_id: ann.id };
    const common = { ...order, id: expect.any(String), position: expect.any(Number), timestamp: expect.any(String) };
    expect(events).toEqual([
      {
        ...common,
        type: 'order.placed',
        sequence: 1,
        from_status: null,
        to_status: 'pending',
        reason: null,
        actor: { type: 'user', id: ann.id },
      },
      {
        ...common,
        type: 'order.paid',
        sequence: 2,
        from_status: 'pending',
        to_status: 'paid',
        reason: 'cash',
        actor: { type: 'user', id: null },
      },
      {
        ...common,
        type: 'order.cancelled',
        sequence: 3,
        from_status: 'paid',
        to_status: 'cancelled',
        reason: 'too late',
        actor: { type: 'user', id: ann.id },
      },
    ]);
  });

  it('shows staff who made a change', async () => {
    const service = await app.newService();
    for (const staff of [app.admin, service]) {
      const { events } = await list(staff, `?order_id=${orders.ann}`);
      expect(events.map(({ actor }: { actor: object }) => actor)).toEqual([
        { type: 'user', id: ann.id },
        { type: 'user', id: 1 },
        { type: 'user', id: ann.id },
      ]);
    }
  });

  it.each([
    ['?type=order.paid', ['order.paid']],
    ['?type=order.paid&type=order.cancelled', ['order.paid', 'order.cancelled']],
    ['?after=3', ['order.cancelled']],
    ['?created_from=2020-01-01', ['order.placed', 'order.placed', 'order.paid', 'order.cancelled']],
    ['?created_from=2999-01-01', []],
    ['?created_to=2020-01-01', []],
    ['?created_from=2020-01-01&created_to=2999-01-01&type=order.paid', ['order.paid']],
  ])('finds %s', async (query, types) => {
    const found = await list(app.admin, query);
    expect([typesOf(found), found.next_after, found.has_more]).toEqual([types, 4, false]);
  });

  it('narrows by user, and for a user to themselves', async () => {
    expect((await list(app.admin, `?user_id=${bob.id}`)).events).toHaveLength(1);
    expect((await list(bob, `?user_id=${bob.id}`)).events).toHaveLength(1);
    expect((await list(bob, `?user_id=${ann.id}`)).events).toEqual([]);
    expect((await list(bob, `?order_id=${orders.ann}`)).events).toEqual([]);
  });

  it('goes through the log in pages', async () => {
    const positions: number[] = [];
    let page = await list(app.admin, '?limit=3');
    for (;;) {
      positions.push(...page.events.map(({ position }: { position: number }) => position));
      if (!page.has_more) break;
      page = await list(app.admin, `?limit=3&after=${page.next_after}`);
    }
    expect(positions).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['after=5', 'after', /beyond the latest position \(4\)/],
    ['after=-1', 'after', /from 0/],
    ['after=1.5', 'after', /whole number/],
    ['type=order.eaten', 'type', /must be one of/],
    ['type=user.password_reset', 'type', /must be one of/],
    ['limit=501', 'limit', /from 1 to 500/],
  ])('refuses %s', async (query, field, message) => {
    const { status, body } = await app.admin.get(`events?${query}`);
    expect([status, body.errors]).toEqual([400, [{ field, message: expect.stringMatching(message) }]]);
  });
});

describe('GET /events/{id}', () => {
  it('shows one event to those who may read it, and tells others nothing', async () => {
    const [event] = (await list(ann)).events;
    expect((await ann.get(`events/${event.id}`)).body).toEqual(event);
    expect((await app.admin.get(`events/${event.id}`)).status).toBe(200);
    const others = await bob.get(`events/${event.id}`);
    const missing = await bob.get(`events/${randomUUID()}`);
    expect([others.status, others.body.detail]).toEqual([404, missing.body.detail]);
    expect((await bob.get('events/1')).status).toBe(404);
  });
});

it(`a user never sees an event of somebody else, whatever they ask for (SEED=${SEED})`, async () => {
  const people = [ann, bob];
  const query = fc.record(
    {
      after: fc.nat(4),
      type: fc.constantFrom('order.placed', 'order.paid', 'order.cancelled'),
      order_id: fc.constantFrom(orders.ann, orders.bob),
      user_id: fc.constantFrom(ann.id, bob.id, 1),
      created_from: fc.constantFrom('2020-01-01', '2999-01-01'),
      limit: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...people), query, async (person, asked) => {
      const { events } = await list(person, `?${new URLSearchParams(asked as Record<string, string>)}`);
      expect(events.filter(({ user_id }: { user_id: number }) => user_id !== person.id)).toEqual([]);
    }),
    { seed: SEED, numRuns: 60 },
  );
});

describe('when events have been deleted', () => {
  it('answers 410 instead of leaving a hole', async () => {
    await app.sql('WITH deleted AS (DELETE FROM events WHERE position <= 2) UPDATE feed_position SET purged = 2');
    const { status, body } = await app.admin.get('events?after=1');
    expect([status, body.code, body.oldest_position]).toEqual([410, 'EVENTS_EXPIRED', 3]);
    for (const after of [0, 2]) {
      const page = await list(app.admin, `?after=${after}`);
      expect([page.events.map(({ position }: { position: number }) => position), page.oldest_position]).toEqual([
        [3, 4],
        3,
      ]);
    }
    const stream = await app.admin.send('GET', 'events/stream?after=1');
    expect([stream.status, stream.body.code]).toEqual([410, 'EVENTS_EXPIRED']);
  });
});

it('is either whole or refused for a reader at the edge, while events are deleted', async () => {
  const add = `WITH state AS (SELECT last FROM feed_position), filled AS (
       INSERT INTO events (position, id, type, user_id, payload, created_at)
       SELECT last + n, gen_random_uuid(), 'order.edited', 1, '{}', now() - interval '31 days' FROM state, generate_series(1, 50) AS n)
     UPDATE feed_position SET last = last + 50`;
  await app.sql(`UPDATE events SET created_at = now() - interval '31 days'`);
  for (let round = 0; round < 5; round++) {
    await app.sql(add);
    const [{ purged }] = await app.sql('SELECT purged FROM feed_position');
    const purging = purgeEvents(app.nest.get(EntityManager), 30, new AbortController().signal);
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.admin.get(`events?after=${purged}`)));
    await purging;
    for (const { status, body } of answers) {
      const whole = status === 200 && body.events[0]?.position === purged + 1;
      expect(whole || body.code === 'EVENTS_EXPIRED').toBe(true);
    }
  }
});

it('reads no more than a bounded part of the log for a rare type, and says how far it came', async () => {
  const [{ last }] = await app.sql('SELECT last FROM feed_position');
  await app.sql(
    `WITH filled AS (
       INSERT INTO events (position, id, type, order_id, user_id, sequence, payload, created_at)
       SELECT $3::bigint + n, gen_random_uuid(), CASE WHEN n = 12000 THEN 'order.failed' ELSE 'order.edited' END, $1, $2, 1 + n, '{}', now()
       FROM generate_series(1, 12000) AS n)
     UPDATE feed_position SET last = last + 12000`,
    [orders.bob, bob.id, last],
  );
  const steps: number[] = [];
  let page = await list(bob, '?type=order.failed');
  while (page.has_more) {
    steps.push(page.next_after);
    page = await list(bob, `?type=order.failed&after=${page.next_after}`);
  }
  expect([typesOf(page), page.next_after]).toEqual([['order.failed'], last + 12_000]);
  expect(steps).toEqual([last + 5_000, last + 10_000]);
});
