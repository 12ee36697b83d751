import { startApp, type TestApp } from '../../support/app';
import type { Client } from '../../support/client';

let app: TestApp;
let ann: Awaited<ReturnType<TestApp['newUser']>>;
let bob: Awaited<ReturnType<TestApp['newUser']>>;
let lamp: { id: number };
/** Ann's orders, oldest first: one on each of the first 24 days of January 2026, at 12:00, of 1 to 3 lamps. */
let orders: { id: number; number: string }[];

beforeAll(async () => {
  app = await startApp();
  // Dates without a time are UTC wherever the database believes to be.
  await app.sql(`ALTER DATABASE ${new URL(app.databaseUrl).pathname.slice(1)} SET timezone = 'Pacific/Auckland'`);
  [ann, bob] = [await app.newUser(), await app.newUser()];
  await app.sql(`UPDATE users SET name = 'Bob 100% Brown' WHERE id = $1`, [bob.id]);
  lamp = await app.newProduct({ price_cents: 1000, stock: 1000 });
  orders = [];
  for (let day = 1; day <= 24; day++) {
    const quantity = (day % 3) + 1;
    orders.push((await ann.post('orders', { items: [{ product_id: lamp.id, quantity }] })).body);
  }
  await app.sql(
    `UPDATE orders SET created_at = '2026-01-01T12:00:00Z'::timestamptz + (id - $1) * interval '1 day' WHERE user_id = $2`,
    [orders[0]?.id, ann.id],
  );
});
afterAll(() => app.close());

interface Page {
  orders: { id: number; total_amount_cents: number; created_at: string }[];
  has_more: boolean;
  next_cursor: string | null;
  total: number;
}

async function list(query: string, client: Client = ann): Promise<Page & Record<string, unknown>> {
  const { status, body } = await client.get(`orders?${query}`);
  expect({ status, errors: body.errors }).toEqual({ status: 200, errors: undefined });
  return body;
}
const ids = (page: { orders: { id: number }[] }) => page.orders.map(({ id }) => id);
const newestFirst = () => orders.map(({ id }) => id).reverse();

/** All pages from the first to the last, by `next_cursor`. */
async function walk(
  query: string,
  client?: Client,
  between: () => Promise<unknown> = async () => {},
): Promise<number[]> {
  const found: number[] = [];
  for (let cursor = ''; ; ) {
    const page = await list(`${query}${cursor}`, client);
    found.push(...ids(page));
    if (page.next_cursor === null) return found;
    cursor = `&cursor=${page.next_cursor}`;
    await between();
  }
}

it('shows 20 orders, the newest first, each as it is shown alone, and the totals of all that match', async () => {
  const page = await list('');
  expect(ids(page)).toEqual(newestFirst().slice(0, 20));
  expect(page).toMatchObject({ limit: 20, offset: 0, has_more: true, next_cursor: expect.any(String) });
  expect(page).toMatchObject({ total: 24, total_quantity: 48, total_amount_cents: 48_000 });
  expect(page.orders[3]).toEqual((await ann.get(`orders/${page.orders[3]?.id}`)).body);
});

it('leaves the totals out on request', async () => {
  const page = await list('totals=false&limit=1');
  expect(Object.keys(page).sort()).toEqual(['has_more', 'limit', 'next_cursor', 'offset', 'orders']);
});

it('shows nobody the orders of others, and all of them to an admin', async () => {
  expect(await list('', bob)).toMatchObject({
    orders: [],
    total: 0,
    total_quantity: 0,
    has_more: false,
    next_cursor: null,
  });
  expect(await list(`user_id=${ann.id}`, bob)).toMatchObject({ orders: [], total: 0 });
  expect(await list(`user_id=${ann.id}&limit=1`, app.admin)).toMatchObject({ total: 24 });
  expect(await list(`user_id=${bob.id}`, app.admin)).toMatchObject({ orders: [], total: 0 });
});

it.each([
  ['created_at', (id: number) => id],
  ['-created_at', (id: number) => -id],
  ['id', (id: number) => id],
  ['-id', (id: number) => -id],
  ['total_amount_cents', (id: number, cents: number) => cents * 1e6 + id],
  ['-total_amount_cents', (id: number, cents: number) => -cents * 1e6 - id],
])('sorts by %s, and pages by cursor or offset give the same order without gap or overlap', async (sort, rank) => {
  const all = (await list(`sort=${sort}&limit=100`)).orders;
  const expected = all.toSorted((a, b) => rank(a.id, a.total_amount_cents) - rank(b.id, b.total_amount_cents));
  expect(all).toHaveLength(24);
  expect(all).toEqual(expected);
  expect(await walk(`sort=${sort}&limit=5`)).toEqual(ids({ orders: all }));
  const byOffset = await Promise.all(
    [0, 5, 10, 15, 20, 25].map((offset) => list(`sort=${sort}&limit=5&offset=${offset}`)),
  );
  expect(byOffset.flatMap(ids)).toEqual(ids({ orders: all }));
});

it('stays stable by cursor while orders are placed, also at the same instant', async () => {
  const cat = await app.newUser();
  const place = async () => (await cat.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] })).body.id;
  const before: number[] = [];
  for (let count = 0; count < 9; count++) before.push(await place());
  await app.sql(`UPDATE orders SET created_at = '2026-02-01T00:00:00.123Z' WHERE user_id = $1`, [cat.id]);
  expect(await walk('limit=2', cat, place)).toEqual(before.toReversed());
  expect((await walk('limit=2&sort=created_at', cat, place)).slice(0, 9)).toEqual(before);
});

it.each<[string, (day: number) => boolean]>([
  ['created_from=2026-01-10', (day) => day >= 10],
  ['created_to=2026-01-10', (day) => day <= 10],
  ['created_from=2026-01-10&created_to=2026-01-10', (day) => day === 10],
  ['created_to=2026-01-10T00:00:00.000000000Z', (day) => day < 10],
  ['created_to=9999-12-31', () => true],
  ['created_from=2026-01-10T12:00:00Z', (day) => day >= 10],
  ['created_from=2026-01-10T12:00:00.001Z', (day) => day > 10],
  ['created_to=2026-01-10T14:00:00%2B02:00', (day) => day < 10],
  ['created_from=2026-01-03&created_to=2026-01-06', (day) => day >= 3 && day <= 6],
  ['min_total_cents=2000', (day) => day % 3 >= 1],
  ['max_total_cents=2000', (day) => day % 3 <= 1],
  ['min_total_cents=2001&max_total_cents=2999', () => false],
])('filters by %s', async (query, matches) => {
  const expected = orders.filter((_, index) => matches(index + 1)).map(({ id }) => id);
  const page = await list(`${query}&limit=100&sort=id`);
  expect(ids(page)).toEqual(expected);
  expect(page.total).toBe(expected.length);
});

it('filters by product, number, and the name or e-mail of the customer', async () => {
  const desk = await app.newProduct({ name: 'Desk' });
  const items = [
    { product_id: desk.id, quantity: 1 },
    { product_id: lamp.id, quantity: 1 },
  ];
  const { body: order } = await bob.post('orders', { items });
  const queries = [
    `product_id=${desk.id}`,
    `q=${order.number}`,
    `q=${order.number.slice(4, 9).toLowerCase()}&user_id=${bob.id}`,
    `q=${encodeURIComponent('00% BRO')}`,
    `q=${bob.email.slice(0, 20)}`,
  ];
  for (const query of queries)
    expect({ query, ids: ids(await list(query, app.admin)) }).toEqual({ query, ids: [order.id] });
  for (const query of ['product_id=2147483647', 'q=100_', 'q=%25%25%25', `q=${encodeURIComponent(`' OR 1=1 --`)}`])
    expect({ query, ids: ids(await list(query, app.admin)) }).toEqual({ query, ids: [] });
});

it('searches customers for staff only: a customer who does so finds own orders by number', async () => {
  const eve = await app.newUser();
  await eve.patch(`users/${eve.id}`, { name: 'Eve Quince' });
  const { body: order } = await eve.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  for (const q of ['quince', eve.email]) {
    expect((await list(`q=${encodeURIComponent(q)}`, eve)).total).toBe(0);
    expect(ids(await list(`q=${encodeURIComponent(q)}`, app.admin))).toEqual([order.id]);
  }
  expect(ids(await list(`q=${order.number}`, eve))).toEqual([order.id]);
  expect((await list(`q=${orders[0]?.number}`, eve)).total).toBe(0);
});

it('shows the orders of at most 1,000 of the customers that a search finds, those who registered first', async () => {
  const FILL = `
    WITH customer AS (
      INSERT INTO users (name, email, password_hash) SELECT 'Quokka ' || n, 'q' || n || '@example.com', ''
      FROM generate_series(1, 1001) n RETURNING id
    ), placed AS (
      INSERT INTO orders (number, user_id, currency, total_quantity, total_amount_cents)
      SELECT 'ORD-' || lpad(id::text, 8, '0'), id, 'USD', 1, 100 FROM customer RETURNING id, user_id
    ), item AS (
      INSERT INTO order_items (order_id, product_name, quantity, price_cents_at_purchase, line_total_cents, stock_reserved)
      SELECT id, 'Leaf', 1, 100, 100, false FROM placed
    ), history AS (
      INSERT INTO order_history (order_id, version, to_status, attempt, actor_type, actor_id, actor_name)
      SELECT id, 1, 'pending', 0, 'user', user_id, 'Quokka' FROM placed
    ), counted AS (
      INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
      SELECT 'pending', count(*), count(*), 100 * count(*) FROM placed
    )
    SELECT max(user_id) AS last FROM placed`;
  const [{ last }] = await app.sql(FILL);
  expect((await list('q=quokka', app.admin)).total).toBe(1_000);
  const { orders: shown } = await list('q=quokka&sort=-id&limit=1', app.admin);
  expect(shown).toMatchObject([{ user_id: last - 1 }]);
});

it('filters by status, which may be repeated', async () => {
  const [first, second, third] = ids(await list('limit=3&sort=id'));
  await ann.patch(`orders/${first}/cancel`);
  await app.admin.patch(`orders/${second}`, { status: 'paid' });
  expect(ids(await list('status=cancelled'))).toEqual([first]);
  expect(ids(await list('status=cancelled&status=paid&sort=id'))).toEqual([first, second]);
  const pending = await list('status=pending&sort=id&limit=1');
  expect([ids(pending), pending.total]).toEqual([[third], 22]);
});

const cursor = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString('base64url');

it.each([
  ['limit=0', 'limit'],
  ['limit=101', 'limit'],
  ['limit=1e1', 'limit'],
  ['limit=', 'limit'],
  ['limit=1&limit=2', 'limit'],
  ['offset=-1', 'offset'],
  ['offset=10001', 'offset'],
  ['status=shipped', 'status'],
  ['status[]=paid', 'status[]'],
  ['user_id=0x10', 'user_id'],
  ['user_id=9007199254740992', 'user_id'],
  ['created_from=2026-01-11&created_to=2026-01-10', 'created_to'],
  ['min_total_cents=2&max_total_cents=1', 'max_total_cents'],
  [`cursor=${cursor('-created_at', '0000-01-01T00:00:00.000Z', 1)}`, 'cursor'],
  ['created_from=2026-02-30', 'created_from'],
  ['created_from=yesterday', 'created_from'],
  ['created_from=2026-01-01T00:00:00', 'created_from'],
  ['min_total_cents=1.5', 'min_total_cents'],
  ['q=%20', 'q'],
  ['q=%00', 'q'],
  ['sort=(select 1/0)', 'sort'],
  ['sort=price', 'sort'],
  ['totals=yes', 'totals'],
  ['page=2', 'page'],
  ['cursor=x', 'cursor'],
  [`cursor=${cursor('-created_at', '2026-01-01T00:00:00.000Z', 1)}&offset=0`, 'cursor'],
  [`cursor=${cursor('-created_at', '2026-01-01T00:00:00.000Z', 1)}&sort=id`, 'cursor'],
  [`cursor=${cursor('-created_at', 'yesterday', 1)}`, 'cursor'],
  [`cursor=${cursor('-created_at', 5, 1)}`, 'cursor'],
  [`cursor=${cursor('-created_at', '2026-01-01T00:00:00.000Z', 2 ** 53)}`, 'cursor'],
  [`cursor=${cursor('-created_at', '2026-01-01T00:00:00.000Z', '1')}`, 'cursor'],
  [`cursor=${cursor('id', 'one', 1)}&sort=id`, 'cursor'],
  [`cursor=${cursor('id', 2 ** 53, 1)}&sort=id`, 'cursor'],
  [`cursor=${cursor('total_amount_cents', 'much', 1)}&sort=total_amount_cents`, 'cursor'],
  [`cursor=${cursor('total_amount_cents', 2 ** 53, 1)}&sort=total_amount_cents`, 'cursor'],
  [`cursor=${Buffer.from('null').toString('base64url')}`, 'cursor'],
])('refuses %s', async (query, field) => {
  const { status, body } = await ann.get(`orders?${query}`);
  expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED']);
  expect(body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
});
