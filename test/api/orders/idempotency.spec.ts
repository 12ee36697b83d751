import { DataSource } from 'typeorm';
import { deleteExpiredKeys } from '../../../src/idempotency/idempotency';
import { startApp, type TestApp } from '../../support/app';
import { type Answer, patiently } from '../../support/client';
import { endConnections } from '../../support/database';
import { eventually } from '../../support/eventually';
import { holdLock } from '../../support/locks';

let app: TestApp;
let ann: Awaited<ReturnType<TestApp['newUser']>>;
beforeAll(async () => {
  app = await startApp();
  ann = await app.newUser();
});
afterAll(() => app.close());

const place = (key: string, body: unknown, client = ann as Pick<typeof ann, 'with'>) =>
  client.with({ 'idempotency-key': key, 'content-type': 'application/json' }).post('orders', body);
const reservedOf = async ({ id }: { id: number }) => (await app.anonymous.get(`products/${id}`)).body.stock.reserved;
const isReplay = ({ headers }: Answer) => headers.get('idempotent-replayed') === 'true';

it('replays the first answer, whatever has happened to the order and its product since', async () => {
  const lamp = await app.newProduct();
  const body = { items: [{ product_id: lamp.id, quantity: 1 }], note: 'a' };
  const first = await place('replay', body);
  await ann.patch(`orders/${first.body.id}`, { note: 'b' });
  await app.admin.patch(`products/${lamp.id}`, { price_cents: 1, active: false });
  const second = await place('replay', body);
  expect([first.status, isReplay(first), second.status, isReplay(second)]).toEqual([201, false, 201, true]);
  expect(second.body).toEqual(first.body);
  for (const name of ['location', 'etag']) expect(second.headers.get(name)).toBe(first.headers.get(name));
  expect(await reservedOf(lamp)).toBe(1);
});

it('does not care about the order of fields or white space', async () => {
  const { id } = await app.newProduct();
  const first = await place(
    'order',
    `{"items":[{"product_id":${id},"quantity":1}],"metadata":{"a":1,"b":{"c":2,"d":3}}}`,
  );
  const second = await place(
    'order',
    `{"metadata": {"b": {"d": 3, "c": 2}, "a": 1}, "items": [{"quantity": 1, "product_id": ${id}}]}`,
  );
  expect([second.status, isReplay(second), second.body.id]).toEqual([201, true, first.body.id]);
});

it.each([
  ['quantity', { quantity: 2 }, {}],
  ['note', {}, { note: 'b' }],
  ['metadata', {}, { metadata: { a: [2, 1] } }],
])('refuses the key with another %s', async (_, item, fields) => {
  const lamp = await app.newProduct();
  const key = crypto.randomUUID();
  const body = { items: [{ product_id: lamp.id, quantity: 1 }], note: 'a', metadata: { a: [1, 2] } };
  await place(key, body);
  const { status, body: refusal } = await place(key, { ...body, items: [{ ...body.items[0], ...item }], ...fields });
  expect([status, refusal.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  expect(await reservedOf(lamp)).toBe(1);
});

// Prepared statements are planned for their values at first and then for any, and a plan decides what is looked at first.
it.each(['force_custom_plan', 'force_generic_plan'])(
  'answers 409 at once while the first request is still running (%s)',
  async (mode) => {
    const database = new URL(app.databaseUrl).pathname.slice(1);
    await app.sql(`ALTER DATABASE ${database} SET plan_cache_mode = ${mode}`);
    await endConnections(app.databaseUrl);
    await eventually(async () => (await app.admin.get('orders')).status === 200, 'it has connected again');
    const lamp = await app.newProduct();
    const body = { items: [{ product_id: lamp.id, quantity: 1 }] };
    const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${lamp.id} FOR UPDATE`);
    const first = place(mode, body);
    await lock.waitedForBy(1);
    const second = await place(mode, body);
    expect([second.status, second.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE']);
    await lock.release();
    expect((await first).status).toBe(201);
    expect(isReplay(await place(mode, body))).toBe(true);
  },
);

it('is not burnt by a request that was refused', async () => {
  const lamp = await app.newProduct({ stock: 1 });
  const body = { items: [{ product_id: lamp.id, quantity: 2 }] };
  expect((await place('refused', { items: [] })).status).toBe(400);
  expect((await place('refused', body)).body.code).toBe('INSUFFICIENT_STOCK');
  await app.admin.post(`products/${lamp.id}/stock`, { delta: 1, reason: 'delivery' });
  const placed = await place('refused', body);
  expect([placed.status, isReplay(placed)]).toEqual([201, false]);
});

it('belongs to its caller', async () => {
  const { id } = await app.newProduct();
  const body = { items: [{ product_id: id, quantity: 1 }] };
  const bob = await app.newUser();
  const [anns, bobs] = [await place('same', body), await place('same', body, bob)];
  expect([anns.status, bobs.status, isReplay(bobs)]).toEqual([201, 201, false]);
  expect(bobs.body.user_id).toBe(bob.id);
});

it.each([
  ['1 character', 'a', 201],
  ['255 characters', 'k'.repeat(255), 201],
  ['256 characters', 'k'.repeat(256), 400],
  ['no character', '', 400],
  ['a letter that is not ASCII', 'é', 400],
  ['a tab inside', 'a\tb', 400],
])('of %s is answered as it should be', async (_, key, status) => {
  const { id } = await app.newProduct();
  const answer = await place(key, { items: [{ product_id: id, quantity: 1 }] });
  expect(answer.status).toBe(status);
  if (status === 400) expect(answer.body.code).toBe('IDEMPOTENCY_KEY_INVALID');
});

it('makes one order out of 50 identical requests at once', async () => {
  const lamp = await app.newProduct({ stock: 100 });
  const body = { items: [{ product_id: lamp.id, quantity: 1 }] };
  const answers = await Promise.all(Array.from({ length: 50 }, () => patiently(() => place('crowd', body))));
  const placed = answers.filter(({ status }) => status === 201);
  expect(answers.filter(({ status, body }) => status !== 201 && body.code !== 'IDEMPOTENCY_KEY_IN_USE')).toEqual([]);
  expect(new Set(placed.map(({ body }) => body.id)).size).toBe(1);
  expect(placed.filter((answer) => !isReplay(answer))).toHaveLength(1);
  expect(await reservedOf(lamp)).toBe(1);
});

it('is forgotten after 24 hours, and not before', async () => {
  const lamp = await app.newProduct();
  const body = { items: [{ product_id: lamp.id, quantity: 1 }] };
  await place('yesterday', body);
  await place('today', body);
  await app.sql(
    `UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second' WHERE key = 'yesterday'`,
  );
  await deleteExpiredKeys(app.nest.get(DataSource).manager, new AbortController().signal);
  expect(isReplay(await place('today', body))).toBe(true);
  expect(isReplay(await place('yesterday', body))).toBe(false);
});
