import { startApp, type TestApp } from '../../support/app';
import { type Answer, type Client, patiently } from '../../support/client';
import { holdLock } from '../../support/locks';

let app: TestApp;
let buyer: Client;
beforeAll(async () => {
  app = await startApp();
  buyer = await app.newUser();
});
afterAll(() => app.close());

const place = (product_id: number, headers: Record<string, string> = {}) =>
  buyer.with(headers).post('orders', { items: [{ product_id, quantity: 1 }] });

/** For those who stand behind a lock that a test holds: on a slow machine for longer than an order may wait. */
const insist = (product_id: number, headers?: Record<string, string>) => patiently(() => place(product_id, headers));

const statuses = (answers: Answer[]) => answers.map(({ status }) => status).sort();

it('lets placements that arrive together share a transaction', async () => {
  const lamp = await app.newProduct({ stock: 100 });
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${lamp.id} FOR UPDATE`);
  const placing = Array.from({ length: 40 }, () => insist(lamp.id));
  // Both lanes wait, and then what has arrived meanwhile.
  await lock.waitedForBy(3);
  await lock.release();
  const answers = await Promise.all(placing);
  expect(statuses(answers)).toEqual(Array(40).fill(201));
  const [{ transactions }] = await app.sql(
    'SELECT count(DISTINCT xmin::text) AS transactions FROM orders WHERE id = ANY($1)',
    [answers.map(({ body }) => body.id)],
  );
  expect(transactions).toBeLessThan(40);
});

it('accepts or refuses each placement of a batch on its own', async () => {
  const lamp = await app.newProduct({ stock: 100 });
  const scarce = await app.newProduct({ stock: 3 });
  const retired = await app.newProduct();
  await app.admin.patch(`products/${retired.id}`, { active: false });
  // While the first ones wait, in both lanes, the others come together.
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${lamp.id} FOR UPDATE`);
  const placing = Promise.all([
    Promise.all(Array.from({ length: 20 }, () => insist(lamp.id))),
    Promise.all(Array.from({ length: 8 }, () => insist(scarce.id))),
    insist(retired.id),
    insist(999_999),
  ]);
  await lock.waitedForBy(3);
  await lock.release();
  const [good, sold, gone, unknown] = await placing;
  expect(statuses(good)).toEqual(Array(20).fill(201));
  expect(statuses(sold)).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
  expect(gone.body.code).toBe('PRODUCT_INACTIVE');
  expect(unknown.body.code).toBe('PRODUCT_NOT_FOUND');
});

it('places one order for one key, however many arrive in one batch', async () => {
  const lamp = await app.newProduct({ stock: 100 });
  // The first ones keep both lanes until the twins are there.
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${lamp.id} FOR UPDATE`);
  const others = Promise.all(Array.from({ length: 8 }, () => insist(lamp.id)));
  const twins = Promise.all(Array.from({ length: 20 }, () => insist(lamp.id, { 'idempotency-key': 'twins' })));
  await lock.waitedForBy(3);
  await lock.release();
  expect(statuses(await others)).toEqual(Array(8).fill(201));
  const answers = await twins;
  const placed = answers.filter(({ status }) => status === 201);
  expect(new Set(placed.map(({ body }) => body.id)).size).toBe(1);
  for (const { status, body } of answers) if (status !== 201) expect(body.code).toBe('IDEMPOTENCY_KEY_IN_USE');
  expect((await app.anonymous.get(`products/${lamp.id}`)).body.stock.reserved).toBe(9);
});

it('does not let a product that somebody has locked hold up the orders of others', async () => {
  const locked = await app.newProduct();
  const free = await app.newProduct({ stock: 100 });
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${locked.id} FOR UPDATE`);

  // One after the other, so that each has a statement of its own and both lanes are taken.
  const blocked = [];
  for (const count of [1, 2]) {
    blocked.push(place(locked.id));
    await lock.waitedForBy(count);
  }
  const others = await Promise.all(Array.from({ length: 10 }, () => place(free.id)));
  expect(statuses(others)).toEqual(Array(10).fill(201));

  await lock.release();
  expect(statuses(await Promise.all(blocked))).toEqual([201, 201]);
});

it('lets orders for other products, lists and changes go on while many orders wait for one product', async () => {
  const locked = await app.newProduct({ stock: 1_000 });
  const free = await app.newProduct({ stock: 1_000 });
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${locked.id} FOR UPDATE`);
  // More than the pool has connections, each for a statement of its own.
  const blocked = [];
  for (let count = 1; count <= 3; count++) {
    blocked.push(place(locked.id));
    await lock.waitedForBy(count);
  }
  for (let count = 0; count < 200; count++) blocked.push(place(locked.id));
  const renames = Array.from({ length: 20 }, () => app.admin.patch(`products/${locked.id}`, { name: 'Locked' }));
  for (let round = 0; round < 10; round++) {
    expect((await place(free.id)).status).toBe(201);
    expect((await buyer.get('orders')).status).toBe(200);
    expect((await app.anonymous.get(`products/${locked.id}`)).status).toBe(200);
  }
  const [{ waiting }] = await app.sql(`SELECT count(*)::int AS waiting FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE 'UPDATE%'`);
  expect(waiting).toBeLessThanOrEqual(3);
  await lock.release();
  const answers = await Promise.all(blocked);
  expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(3);
  for (const { status, body } of answers) if (status !== 201) expect([status, body.code]).toEqual([503, 'UNAVAILABLE']);
  for (const { status } of await Promise.all(renames)) expect([200, 503]).toContain(status);
});

it('draws another number for an order whose first one was taken', async () => {
  const lamp = await app.newProduct();
  await app.sql(`
    CREATE SEQUENCE draws;
    CREATE FUNCTION refuse_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('draws') = 1 THEN RAISE unique_violation USING CONSTRAINT = 'orders_number'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse_first BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse_first()`);
  expect((await place(lamp.id)).status).toBe(201);
  await app.sql('DROP TRIGGER refuse_first ON orders');
});
