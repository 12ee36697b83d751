/**
 * Takes an order through its life on a running service and prints each step: `npm run demo`.
 *
 * `BASE_URL` is the service (http://localhost:8000). An admin starts the processing: `ADMIN_EMAIL` and `ADMIN_PASSWORD`, or the
 * password that the first start in development writes to `.data/admin-password`. With neither, the demo waits for the sweep.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { adminLogin } from './admin.mts';
import { type Answer, Api, Refused } from './api.mts';
import { finish, progress, row, start } from './table.mts';

interface Product {
  id: number;
  name: string;
  price_cents: number;
  stock: { on_hand: number; reserved: number; available: number } | null;
}

/** Seconds to wait for an order. By default the sweep runs every two minutes. */
const PROCESSING_TIMEOUT_SECONDS = 240;

const base = process.env.BASE_URL || 'http://localhost:8000';
const anonymous = new Api(base);

async function main(): Promise<void> {
  const health = await anonymous.get('/health');
  start(`Order management ${health.version} (${health.environment}) at ${base}`);
  const customer = await newCustomer();
  const [first, second, scarce] = await chooseProducts();

  const order = await place(customer, [line(first, 2), line(second, 1)], 'Place an order of two lines');
  await showStock(first, 'Its stock is reserved');

  const regretted = await place(customer, [line(second, 1)], 'Place another one');
  const cancelled = await customer.patch(`orders/${regretted.id}/cancel`, { reason: 'changed my mind' });
  row('Cancel it while pending', cancelled.status, cancelled.number);
  await showStock(second, 'Its stock is available again');
  await tooMany(customer, scarce);

  await startProcessing();
  const done = await waitFor(customer, order.id);
  row('The order is processed', done.status, `within ${seconds(done.processing_started_at, done.completed_at)} s`);
  await showStock(first, 'Its stock is shipped');
  await showHistory(customer, order.id);
  finish(`Done. See for yourself: ${base}/docs`);
}

async function newCustomer(): Promise<Api> {
  const email = `demo-${randomBytes(4).toString('hex')}@example.com`;
  const password = randomBytes(12).toString('base64url');
  const user = await anonymous.post('auth/register', { name: 'Demo Customer', email, password });
  row('Register', `user ${user.id}`, email);
  const { access_token, expires_in } = await anonymous.post('auth/login', { email, password });
  row('Log in', 'token', `good for ${expires_in} s`);
  return anonymous.as(access_token);
}

/** Two products with stock to order, and the one with the least stock to order too many of. */
async function chooseProducts(): Promise<[Product, Product, Product]> {
  const { products } = (await anonymous.get('products?active=true&limit=100')) as { products: Product[] };
  row('List products', `${products.length} found`, products.map(({ name }) => name).join(', '));
  const stocked = products.filter((product) => available(product) >= 2);
  const [first, second] = stocked.sort((a, b) => available(b) - available(a));
  const scarce = stocked.at(-1);
  if (!first || !second || !scarce) {
    throw new Error(
      'The demo needs two products with stock: start with DEMO_DATA=true on an empty database, or add some.',
    );
  }
  return [first, second, scarce];
}

async function place(customer: Api, items: object[], step: string): Promise<Answer> {
  const order = await customer.post('orders', { items, address: '1 Main St, Springfield' });
  row(step, order.status, `${order.number}, ${order.total_quantity} in all, ${money(order)}`);
  return order;
}

/** An order for more than the stock must be refused and must leave nothing behind. */
async function tooMany(customer: Api, product: Product): Promise<void> {
  const before = await customer.get('orders');
  const quantity = Math.min(available(product) + 1, 1000);
  const items = Array.from({ length: Math.ceil((available(product) + 1) / quantity) }, () => line(product, quantity));
  const refusal = await customer.post('orders', { items }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refusal instanceof Refused) || refusal.status !== 409) throw new Error(`${product.name} was oversold`);
  const after = await customer.get('orders');
  if (after.total !== before.total) throw new Error('A refused order left something behind');
  row('Order more than there is', '409', `${refusal.code}; still ${after.total} orders`);
}

async function startProcessing(): Promise<void> {
  const admin = await adminLogin(anonymous);
  if (!admin) {
    row('Process now', 'skipped', 'no admin password known (ADMIN_EMAIL, ADMIN_PASSWORD): waiting for the sweep');
    return;
  }
  const { queued } = await admin.post('processing/runs');
  row('Process now, as admin', '202', `${queued} queued by this run`);
}

/** The order as soon as it is completed or failed. */
async function waitFor(customer: Api, id: number): Promise<Answer> {
  const started = Date.now();
  for (;;) {
    const order = await customer.get(`orders/${id}`);
    const waited = Math.round((Date.now() - started) / 1000);
    if (order.status === 'completed') return order;
    if (order.status === 'failed' || waited > PROCESSING_TIMEOUT_SECONDS)
      throw new Error(`After ${waited} s the order is ${order.status}`);
    progress(`order ${order.number} is ${order.status}`, waited);
    await setTimeout(250);
  }
}

async function showStock({ id, name }: Product, step: string): Promise<void> {
  const { stock } = (await anonymous.get(`products/${id}`)) as Product;
  row(step, `${stock?.available} left`, `${name}: ${stock?.on_hand} on hand, ${stock?.reserved} reserved`);
}

async function showHistory(customer: Api, id: number): Promise<void> {
  const { history } = await customer.get(`orders/${id}/history`);
  for (const { from_status, to_status, actor, created_at } of history) {
    row(from_status ? '' : 'History', to_status, `${created_at}  by ${actor.name} (${actor.type})`);
  }
}

const available = ({ stock }: Product) => stock?.available ?? 0;
const line = ({ id }: Product, quantity: number) => ({ product_id: id, quantity });
const money = (order: Answer) => `${(order.total_amount_cents / 100).toFixed(2)} ${order.currency}`;
const seconds = (from: string, to: string) => ((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1);

main().catch((error: Error) => {
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
});
