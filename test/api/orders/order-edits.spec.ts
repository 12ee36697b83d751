import { startApp, type TestApp } from '../../support/app';
import { type Answer, patiently } from '../../support/client';
import { holdLock } from '../../support/locks';

let app: TestApp;
let ann: Awaited<ReturnType<TestApp['newUser']>>;
let lamp: { id: number };
beforeAll(async () => {
  app = await startApp({ DATABASE_POOL_SIZE: '20' });
  ann = await app.newUser();
  lamp = await app.newProduct({ stock: 1000 });
});
afterAll(() => app.close());

const newOrder = async () => (await ann.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] })).body;
const ifMatch = (etag: string, client: Pick<typeof ann, 'with'> = ann) => client.with({ 'if-match': etag });
const tally = (answers: Answer[]) => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

it('changes what is given and nothing else, and raises the version', async () => {
  const order = await newOrder();
  const first = await ann.patch(`orders/${order.id}`, { address: '2 Side St', note: 'ring twice', metadata: { a: 1 } });
  expect([first.status, first.headers.get('etag')]).toEqual([200, '"2"']);
  const changed = { address: '2 Side St', note: 'ring twice', metadata: { a: 1 }, version: 2 };
  expect(first.body).toEqual({ ...order, ...changed, updated_at: expect.any(String) });
  const second = await ann.patch(`orders/${order.id}`, { note: null, metadata: {} });
  expect(second.body).toMatchObject({ address: '2 Side St', note: null, metadata: {}, version: 3 });
  const third = await ann.patch(`orders/${order.id}`, {});
  expect([third.status, third.body.version]).toEqual([200, 3]);
});

it('is for pending orders only', async () => {
  const order = await newOrder();
  await app.admin.patch(`orders/${order.id}`, { status: 'paid' });
  for (const client of [ann, app.admin]) {
    const { status, body } = await client.patch(`orders/${order.id}`, { note: 'late' });
    expect([status, body.code]).toEqual([409, 'ORDER_NOT_EDITABLE']);
  }
  expect((await ann.get(`orders/${order.id}`)).body).toMatchObject({ note: null, version: 2 });
});

it('with a change of status is done as a whole or not at all', async () => {
  const order = await newOrder();
  const refused = await ann.patch(`orders/${order.id}`, { note: 'paid by card', status: 'paid' });
  expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
  expect((await ann.get(`orders/${order.id}`)).body).toEqual(order);
  const { body } = await app.admin.patch(`orders/${order.id}`, { note: 'paid by card', status: 'paid' });
  expect(body).toMatchObject({ note: 'paid by card', status: 'paid', version: 3 });
});

it.each<[string, unknown]>([
  ['metadata', null],
  ['metadata', [1]],
  ['note', 'a'.repeat(1001)],
  ['address', ''],
  ['status', null],
  ['status', 'shipped'],
  ['items', []],
  ['user_id', 1],
  ['version', 1],
])('refuses a bad %s', async (field, value) => {
  const { id } = await newOrder();
  const { status, body } = await app.admin.patch(`orders/${id}`, { [field]: value });
  expect([status, body.errors?.[0].field]).toEqual([400, field]);
});

describe('with If-Match', () => {
  const CHANGES: [string, string, object | undefined][] = [
    ['an edit', '', { note: 'mine' }],
    ['an edit of nothing', '', {}],
    ['a status by PATCH', '', { status: 'cancelled' }],
    ['a status', '/status', { status: 'cancelled' }],
    ['a cancellation', '/cancel', undefined],
  ];

  it.each(CHANGES)('%s goes through for the present version and for *', async (_, path, body) => {
    for (const etag of ['"1"', '*']) {
      const { id } = await newOrder();
      expect((await ifMatch(etag).patch(`orders/${id}${path}`, body)).status).toBe(200);
    }
  });

  it.each(CHANGES)('%s is refused for any other, and changes nothing', async (_, path, body) => {
    const order = await newOrder();
    for (const etag of ['"0"', '"2"', '1', 'W/"1"', '"x"', '"99999999999"', '']) {
      const answer = await ifMatch(etag).patch(`orders/${order.id}${path}`, body);
      expect([etag, answer.status, answer.body.code]).toEqual([etag, 412, 'PRECONDITION_FAILED']);
    }
    expect((await ann.get(`orders/${order.id}`)).body).toEqual(order);
  });

  it.each([
    ['edits', '', { note: 'mine' }, ['note', 'mine']],
    ['changes of status by PATCH', '', { status: 'paid' }, ['status', 'paid']],
    ['both in one', '', { note: 'mine', status: 'paid' }, ['status', 'paid']],
    ['changes of status', '/status', { status: 'paid' }, ['status', 'paid']],
    ['cancellations', '/cancel', {}, ['status', 'cancelled']],
  ])('of 50 %s with one ETag one goes through', async (_, path, body, [field, value]) => {
    const { id } = await newOrder();
    const client = ifMatch('"1"', app.admin);
    const lock = await holdLock(app.databaseUrl, `SELECT FROM orders WHERE id = ${id} FOR UPDATE`);
    const sending = Array.from({ length: 50 }, () => patiently(() => client.patch(`orders/${id}${path}`, body)));
    await lock.waitedForBy(2);
    await lock.release();
    expect(tally(await Promise.all(sending))).toEqual({ 200: 1, 412: 49 });
    expect((await ann.get(`orders/${id}`)).body).toMatchObject({ [field as string]: value });
  });

  it.each([
    ['by PATCH', ''],
    ['by its own route', '/status'],
  ])('a change of status %s is refused when an edit comes first', async (_, path) => {
    const { id } = await newOrder();
    const edit = await holdLock(app.databaseUrl, `UPDATE orders SET version = version + 1 WHERE id = ${id}`);
    const changing = ifMatch('"1"', app.admin).patch(`orders/${id}${path}`, { status: 'paid' });
    await edit.waitedForBy(1);
    await edit.release();
    expect((await changing).status).toBe(412);
    expect((await ann.get(`orders/${id}`)).body).toMatchObject({ status: 'pending', version: 2 });
  });
});

it('without If-Match is never refused because of others: the last one holds', async () => {
  const { id } = await newOrder();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => patiently(() => ann.patch(`orders/${id}`, { note: `note ${n}` }))),
  );
  expect(tally(answers)).toEqual({ 200: 20 });
  expect((await ann.get(`orders/${id}`)).body.version).toBe(21);
});
