import { CHANGE_STATUS } from '../../src/orders/order-lifecycle';
import { PLACE_ORDERS } from '../../src/orders/placement/place-orders.statement';
import { startApp, type TestApp } from '../support/app';
import { runIntoLock } from '../support/locks';
import { tally } from '../support/tally';

/*
 * Takes a guard out and shows that it is missed: by the next guard behind it, by a race, or by the invariants. A race
 * that passes without its guard has proved nothing.
 */

/** Runs the service with parts of a query replaced; returns what the invariants say of the data it leaves. */
async function runWithout(
  query: { text: string },
  guards: [guard: string, instead: string][],
  test: (app: TestApp) => Promise<void>,
): Promise<string> {
  for (const [guard] of guards) expect(query.text.split(guard)).toHaveLength(2);
  const text = guards.reduce((changed, [guard, instead]) => changed.replace(guard, instead), query.text);
  jest.replaceProperty(query, 'text', text);
  // Without its document the clients do not object to answers that are not in it, such as 500.
  const app = await startApp({ DOCS_ENABLED: 'false' });
  let invariants = '';
  try {
    await test(app);
  } finally {
    invariants = await app.close().then(
      () => 'hold',
      (error: Error) => error.message,
    );
    jest.restoreAllMocks();
  }
  return invariants;
}

/** Two buyers stand before the last piece until both of them have read the stock. */
async function sellTheLastPiece(app: TestApp) {
  const { id } = await app.newProduct({ stock: 1 });
  const buy = () => app.admin.post('orders', { items: [{ product_id: id, quantity: 1 }] });
  const lock = `SELECT FROM products WHERE id = ${id} FOR UPDATE`;
  const answers = tally(await runIntoLock(app.databaseUrl, lock, [buy, buy]));
  return { answers, stock: (await app.anonymous.get(`products/${id}`)).body.stock };
}

/** The comparison for the whole batch, and the one for each order. */
const STOCK_CONDITIONS: [string, string][] = [
  ['AND NOT EXISTS (SELECT FROM locked WHERE on_hand - reserved < demand)', ''],
  ['AND on_hand - reserved < w.quantity', 'AND false'],
];

it('without the comparison of the stock it is the CHECK of the database that stops an oversell', async () => {
  const invariants = await runWithout(PLACE_ORDERS, STOCK_CONDITIONS, async (app) => {
    expect(await sellTheLastPiece(app)).toEqual({
      answers: { 201: 1, INTERNAL_ERROR: 1 },
      stock: { on_hand: 1, reserved: 1, available: 0 },
    });
  });
  expect(invariants).toBe('hold');
});

it('without either of the two the stock is oversold, and the invariants say so', async () => {
  const invariants = await runWithout(PLACE_ORDERS, STOCK_CONDITIONS, async (app) => {
    await app.sql('ALTER TABLE products DROP CONSTRAINT products_stock');
    expect(await sellTheLastPiece(app)).toEqual({
      answers: { 201: 2 },
      stock: { on_hand: 1, reserved: 2, available: -1 },
    });
  });
  expect(invariants).toMatch(/N4 the movements of a product/);
});

it('without the lock on the products it is the CHECK that sends a buyer to look again', async () => {
  const invariants = await runWithout(PLACE_ORDERS, [['FOR NO KEY UPDATE', '']], async (app) => {
    expect((await sellTheLastPiece(app)).answers).toEqual({ 201: 1, INSUFFICIENT_STOCK: 1 });
  });
  expect(invariants).toBe('hold');
});

it('without the comparison of the status both of two changes are made, and the invariants say so', async () => {
  const guard = 'id = $1 AND status = $2';
  const invariants = await runWithout(CHANGE_STATUS, [[guard, "id = $1 AND $2 <> ''"]], async (app) => {
    const { id: product_id } = await app.newProduct();
    const { body } = await app.admin.post('orders', { items: [{ product_id, quantity: 1 }] });
    const change = (status: string) => () => app.admin.patch(`orders/${body.id}/status`, { status });
    const lock = `SELECT FROM orders WHERE id = ${body.id} FOR UPDATE`;
    const answers = await runIntoLock(app.databaseUrl, lock, [change('cancelled'), change('processing')]);
    expect(tally(answers)).toEqual({ 200: 2 });
  });
  expect(invariants).toMatch(/N7 the history of an order is a connected chain/);
});
