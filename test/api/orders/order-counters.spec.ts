import { DataSource } from 'typeorm';
import { compactOrderCounters } from '../../../src/orders/order-counters';
import { startApp, type TestApp } from '../../support/app';
import { runIntoLock } from '../../support/locks';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

it('add up to what the orders are, also while they are folded and orders change', async () => {
  const lamp = await app.newProduct({ price_cents: 100, stock: 1000 });
  const { manager } = app.nest.get(DataSource);
  const place = () => app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  const orders = (await Promise.all(Array.from({ length: 60 }, place))).map(({ body }) => body);
  const statusTo = (status: string) => (order: { id: number }) => app.admin.patch(`orders/${order.id}`, { status });
  await Promise.all(orders.map(statusTo('paid')));
  const rows = async () => (await app.sql('SELECT count(*) AS count FROM order_counters'))[0].count;
  const before = await rows();
  expect(before).toBeGreaterThan(100);

  await Promise.all([
    ...orders.slice(0, 20).map(statusTo('cancelled')),
    ...Array.from({ length: 4 }, () => compactOrderCounters(manager)),
    ...orders.slice(20, 40).map(statusTo('cancelled')),
  ]);
  expect(await rows()).toBeLessThan(before);
  const totals = async (query: string) => (await app.admin.get(`orders?limit=1&${query}`)).body;
  expect(await totals('')).toMatchObject({ total: 60, total_quantity: 120, total_amount_cents: 12_000 });
  expect(await totals('status=paid')).toMatchObject({ total: 20, total_quantity: 40, total_amount_cents: 4_000 });
  expect(await totals('status=paid&status=cancelled')).toMatchObject({ total: 60 });
  expect(await totals('status=failed')).toMatchObject({ total: 0, total_quantity: 0, total_amount_cents: 0 });
  expect(await totals(`status=paid&product_id=${lamp.id}`)).toMatchObject({ total: 20 });
});

it('are folded in steps, however many there are', async () => {
  const { manager } = app.nest.get(DataSource);
  const before = await totals();
  // Twenty-five thousand changes that cancel each other out.
  await app.sql(`INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
    SELECT 'paid', sign, 3 * sign, 700 * sign FROM generate_series(1, 12500), unnest(ARRAY[1, -1]) AS sign`);
  await compactOrderCounters(manager);
  expect((await app.sql('SELECT count(*) AS count FROM order_counters'))[0].count).toBeLessThan(100);
  expect(await totals()).toEqual(before);
});

it('are folded once, although two processes do it at the same time', async () => {
  const { manager } = app.nest.get(DataSource);
  const before = await totals();
  await app.sql(`INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
    SELECT 'paid', sign, 3 * sign, 700 * sign FROM generate_series(1, 100), unnest(ARRAY[1, -1]) AS sign`);
  const fold = () => compactOrderCounters(manager);
  await runIntoLock(app.databaseUrl, 'SELECT FROM order_counters ORDER BY id LIMIT 1 FOR UPDATE', [fold, fold]);
  expect(await totals()).toEqual(before);
});

async function totals() {
  const { total, total_quantity, total_amount_cents } = (await app.admin.get('orders?limit=1')).body;
  return { total, total_quantity, total_amount_cents };
}
