import type { Failpoint } from '../../src/config/failpoint';
import { startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import type { Client } from '../support/client';
import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';

/** An API in this process, and workers as processes of their own that can be killed. */
let app: TestApp;
let buyer: Client;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
  buyer = await app.newUser();
});
afterAll(async () => {
  await app.close();
});

const startWorker = (settings: NodeJS.ProcessEnv = {}): Promise<Service> =>
  startService(BUILD, { DATABASE_URL: app.databaseUrl, SERVICE_ROLE: 'worker', ...settings });

async function place(): Promise<{ id: number; product: number }> {
  const lamp = await app.newProduct({ stock: 5 });
  const { body } = await buyer.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  return { id: body.id, product: lamp.id };
}

const statusOf = async (id: number) => (await buyer.get(`orders/${id}`)).body.status;
const becomes = (id: number, status: string) =>
  eventually(async () => (await statusOf(id)) === status, `order ${id} is ${status}`);

/** What a dead worker's lease comes to in 45 s; tests do not wait for it. */
const expireLeases = () => app.sql(`UPDATE orders SET lease_until = now() WHERE lease_until IS NOT NULL`);

it.each<[Failpoint, string]>([
  ['order-claimed', 'processing'],
  ['gateway-answered', 'processing'],
  ['change-committing', 'processing'],
  ['order-settled', 'completed'],
])('finishes the order of a worker that dies at %s, once', async (point, left) => {
  const { id, product } = await place();
  const victim = await startWorker({ FAILPOINT: `${point}:1` });
  expect(await victim.ended).toBeNull();
  expect(await statusOf(id)).toBe(left);

  await expireLeases();
  const other = await startWorker();
  await becomes(id, 'completed');
  await other.terminate();

  const { history } = (await buyer.get(`orders/${id}/history`)).body;
  expect(history.map((entry: { to_status: string }) => entry.to_status)).toEqual([
    'pending',
    'processing',
    'completed',
  ]);
  const { stock } = (await app.anonymous.get(`products/${product}`)).body;
  expect(stock).toEqual({ on_hand: 3, reserved: 0, available: 3 });
});

it('has the order of a killed worker finished by another when its lease of 45 seconds has run out', async () => {
  const { id } = await place();
  const victim = await startWorker({ PROCESSING_DURATION_MS: '30000' });
  await becomes(id, 'processing');
  await victim.kill();
  const [{ seconds }] = await app.sql(
    'SELECT extract(epoch FROM lease_until - processing_started_at) AS seconds FROM orders WHERE id = $1',
    [id],
  );
  expect(seconds).toBe(45);
  await expireLeases();
  const other = await startWorker();
  await becomes(id, 'completed');
  await other.terminate();
});

it('drops what a stalled worker brings after its order was taken over', async () => {
  const { id } = await place();
  const stalled = await startWorker({ PROCESSING_DURATION_MS: '1500' });
  await becomes(id, 'processing');
  stalled.signal('SIGSTOP');
  await expireLeases();
  const other = await startWorker();
  await becomes(id, 'completed');
  const completed = (await buyer.get(`orders/${id}`)).body;

  stalled.signal('SIGCONT');
  await eventually(() => stalled.output().includes('result dropped'), 'the stalled worker comes too late');
  expect((await buyer.get(`orders/${id}`)).body).toEqual(completed);
  await Promise.all([stalled.terminate(), other.terminate()]);
});

it('finishes running orders on SIGTERM, takes no new ones, and exits with 0', async () => {
  const { id } = await place();
  const worker = await startWorker({ PROCESSING_DURATION_MS: '1500' });
  await becomes(id, 'processing');
  // The process gives up with exit code 1 after 10 s.
  expect(await worker.terminate()).toBe(0);
  expect(await statusOf(id)).toBe('completed');
});

it('gives an order back on SIGTERM when its gateway takes too long, and does not count the attempt', async () => {
  const { id } = await place();
  const worker = await startWorker({ PROCESSING_DURATION_MS: '30000' });
  await becomes(id, 'processing');
  expect(await worker.terminate()).toBe(0);
  const other = await startWorker({ PROCESSING_MAX_ATTEMPTS: '1' });
  await becomes(id, 'completed');
  await other.terminate();
});
