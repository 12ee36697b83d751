import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { OrdersService } from '../../../src/orders/orders.service';
import { DueOrders } from '../../../src/processing/due-orders';
import { OrderProcessor } from '../../../src/processing/order-processor';
import { listen, startApp, type TestApp, testConfig } from '../../support/app';
import type { Answer, Client } from '../../support/client';
import { eventually } from '../../support/eventually';
import { Fulfillment, json } from '../../support/fulfillment';
import { holdLock, runIntoLock } from '../../support/locks';

/** An API that processes nothing, and workers that a test starts when it wants them. */
let app: TestApp;
let buyer: Client;
let fulfillment: Fulfillment;
let worker: NestFastifyApplication | undefined;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
  buyer = await app.newUser();
  fulfillment = await Fulfillment.start();
});
beforeEach(() => {
  fulfillment.answer = succeed;
});
afterEach(async () => {
  await worker?.close();
  worker = undefined;
});
afterAll(async () => {
  await app.close();
  await fulfillment.close();
});

const succeed = (response: ServerResponse) => json(response, 200, { outcome: 'success' });

/** Starts the worker of this test; it ends with the test. */
async function startWorker(settings: NodeJS.ProcessEnv = {}): Promise<NestFastifyApplication> {
  const gateway = {
    GATEWAY: 'http',
    GATEWAY_URL: fulfillment.url,
    GATEWAY_SECRET: 'a-gateway-secret-for-tests-of-32-bytes',
  };
  const config = testConfig(app.databaseUrl, { SERVICE_ROLE: 'worker', ...gateway, ...settings });
  worker = (await listen(config)).nest;
  return worker;
}

/** Has the fulfillment service keep everybody waiting; the answers still to be given, in the order of the calls. */
function holdCalls(): ServerResponse[] {
  const held: ServerResponse[] = [];
  fulfillment.answer = (response) => held.push(response);
  return held;
}

async function place(): Promise<{ id: number; product: number }> {
  const lamp = await app.newProduct({ stock: 5 });
  const { body } = await buyer.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  return { id: body.id, product: lamp.id };
}

/** Who waits for a lock in this database. */
const WAITING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));
const sweep = async () => (await app.admin.post('processing/runs')).body.queued;
const recover = () => app.nest.get(DueOrders).enqueueExpired();
/** A second ago: the column rounds to milliseconds, so that what ends now may be still to come for whoever looks at once. */
const expireLease = (id: number) =>
  app.sql(`UPDATE orders SET lease_until = now() - interval '1 second' WHERE id = $1`, [id]);
/** What its calls of the gateway have in common. */
const keyOf = async (id: number) =>
  (await app.sql('SELECT fulfillment_key AS key FROM orders WHERE id = $1', [id]))[0].key;
const orderOf = async (id: number) => (await buyer.get(`orders/${id}`)).body;
const becomes = (id: number, status: string) =>
  eventually(async () => {
    const order = await orderOf(id);
    return order.status === status && order;
  }, `order ${id} is ${status}`);
const statusesOf = async (id: number) =>
  (await buyer.get(`orders/${id}/history`)).body.history.map(({ to_status }: { to_status: string }) => to_status);
const stockOf = async (id: number) => (await app.anonymous.get(`products/${id}`)).body.stock;

it('takes an order from pending to completed, with its history', async () => {
  const { id, product } = await place();
  await sweep();
  await startWorker();
  const order = await becomes(id, 'completed');
  expect(order.completed_at).toMatch(/^\d{4}-.*Z$/);
  const { history } = (await buyer.get(`orders/${id}/history`)).body;
  expect(await statusesOf(id)).toEqual(['pending', 'processing', 'completed']);
  expect(history.map((entry: { actor: { type: string } }) => entry.actor.type)).toEqual(['user', 'system', 'system']);
  expect(await stockOf(product)).toEqual({ on_hand: 3, reserved: 0, available: 3 });
});

it('queues each pending or paid order once, and again what the queue has lost', async () => {
  const [pending, paid, cancelled] = await times(3, place);
  await app.admin.patch(`orders/${paid?.id}/status`, { status: 'paid' });
  await buyer.patch(`orders/${cancelled?.id}/cancel`);
  expect(await sweep()).toBe(2);
  expect(await sweep()).toBe(0);
  await app.sql('DELETE FROM pgboss.job');
  expect(await sweep()).toBe(2);
  expect(await sweep()).toBe(0);
  await startWorker();
  for (const order of [pending, paid]) {
    await becomes(order?.id as number, 'completed');
    expect(fulfillment.about(order?.id as number)).toHaveLength(1);
  }
  expect((await orderOf(cancelled?.id as number)).status).toBe('cancelled');
});

it.each([1, 5, 6])('works on %d orders at a time when it is told to', async (concurrency) => {
  let [running, most] = [0, 0];
  fulfillment.answer = async (response) => {
    running += 1;
    most = Math.max(most, running);
    await eventually(() => most >= concurrency, 'as many orders are in work as may be');
    // Time for one more, which must not come.
    await setTimeout(200);
    running -= 1;
    succeed(response);
  };
  const orders = await times(2 * concurrency + 1, place);
  await sweep();
  await startWorker({ PROCESSING_CONCURRENCY: String(concurrency) });
  for (const { id } of orders) await becomes(id, 'completed');
  expect(most).toBe(concurrency);
});

it('takes up what a dead worker has left before the backlog', async () => {
  const left = await place();
  await app.admin.patch(`orders/${left.id}/status`, { status: 'processing' });
  const backlog = await times(5, place);
  await sweep();
  await expireLease(left.id);
  await recover();
  const before = fulfillment.calls.length;
  await startWorker({ PROCESSING_CONCURRENCY: '1' });
  for (const { id } of backlog) await becomes(id, 'completed');
  expect(fulfillment.calls[before]?.order.id).toBe(left.id);
});

it('changes nothing by the late answer of an attempt that another one has overtaken', async () => {
  const { id, product } = await place();
  const held = holdCalls();
  await sweep();
  await startWorker();
  const late = await eventually(() => held[0], 'the first attempt waits for its answer');
  await expireLease(id);
  await recover();
  const second = await eventually(() => held[1], 'so does the second');

  json(late, 200, { outcome: 'failure', reason: 'too late' });
  const ended = `SELECT FROM pgboss.job WHERE singleton_key = $1 AND state = 'completed'`;
  await eventually(async () => (await app.sql(ended, [id])).length === 1, 'the first attempt has ended');
  expect((await orderOf(id)).status).toBe('processing');

  succeed(second);
  await becomes(id, 'completed');
  expect(await statusesOf(id)).toEqual(['pending', 'processing', 'completed']);
  expect(await stockOf(product)).toEqual({ on_hand: 3, reserved: 0, available: 3 });
});

it('leaves an order to whoever has it until the lease runs out', async () => {
  const { id } = await place();
  await app.admin.patch(`orders/${id}/status`, { status: 'processing' });
  const processor = (await startWorker()).get(OrderProcessor);
  for (const lease of ['NULL', `now() + interval '1 minute'`]) {
    await app.sql(`UPDATE orders SET lease_until = ${lease} WHERE id = $1`, [id]);
    await processor.process(id, new AbortController().signal);
    expect((await orderOf(id)).status).toBe('processing');
  }
  await expireLease(id);
  await processor.process(id, new AbortController().signal);
  expect(await statusesOf(id)).toEqual(['pending', 'processing', 'completed']);
});

it('refuses to cancel an order that is being processed', async () => {
  const { id } = await place();
  const held = holdCalls();
  await sweep();
  await startWorker();
  await eventually(() => held.length === 1, 'the order is at the gateway');
  const { status, body } = await buyer.patch(`orders/${id}/cancel`);
  expect([status, body.code]).toEqual([409, 'INVALID_TRANSITION']);
  for (const response of held) succeed(response);
  await becomes(id, 'completed');
});

it('asks the gateway about an order whose workers died at every attempt, and leaves it alone for longer', async () => {
  const { id, product } = await place();
  await app.admin.patch(`orders/${id}/status`, { status: 'processing' });
  await app.sql('UPDATE orders SET attempt = 5 WHERE id = $1', [id]);
  await expireLease(id);
  const held: ServerResponse[] = [];
  fulfillment.answer = (response) => void held.push(response);
  await recover();
  await startWorker({ PROCESSING_MAX_ATTEMPTS: '5' });
  await eventually(() => held.length === 1, 'the gateway is asked');
  const [{ long }] = await app.sql(
    `SELECT lease_until > now() + interval '46 seconds' AS long FROM orders WHERE id = $1`,
    [id],
  );
  expect(long).toBe(true);
  for (const response of held) succeed(response);
  await becomes(id, 'completed');
  expect(fulfillment.about(id).map(({ headers }) => headers['x-request-id'])).toEqual([`order-${id}-attempt-6`]);
  expect(await stockOf(product)).toEqual({ on_hand: 3, reserved: 0, available: 3 });
});

it('stores a known success as soon as the database can, and never makes a failure of it', async () => {
  const { id, product } = await place();
  const processor = (await startWorker({ PROCESSING_MAX_ATTEMPTS: '1' })).get(OrderProcessor);
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${product} FOR UPDATE`);
  const processed = processor.process(id, new AbortController().signal);
  await lock.waitedForBy(1);
  await eventually(async () => (await app.sql(WAITING)).length === 0, 'the lock timeout has ended the first try');
  expect((await orderOf(id)).status).toBe('processing');
  await lock.release();
  await processed;
  expect(await statusesOf(id)).toEqual(['pending', 'processing', 'completed']);
  expect(fulfillment.about(id)).toHaveLength(1);
  expect(await stockOf(product)).toEqual({ on_hand: 3, reserved: 0, available: 3 });
});

it('takes an error of the database before the call for no answer of the gateway', async () => {
  const { id } = await place();
  const nest = await startWorker({ PROCESSING_MAX_ATTEMPTS: '1' });
  const reading = jest.spyOn(nest.get(OrdersService), 'get').mockRejectedValueOnce(new Error('connection terminated'));
  const processor = nest.get(OrderProcessor);
  await expect(processor.process(id, new AbortController().signal)).rejects.toThrow('connection terminated');
  reading.mockRestore();
  expect((await orderOf(id)).status).toBe('processing');
  await expireLease(id);
  await processor.process(id, new AbortController().signal);
  expect((await orderOf(id)).status).toBe('completed');
});

it('counts the attempts anew also for an order that was requeued under the eyes of its worker', async () => {
  const { id } = await place();
  const processor = (await startWorker()).get(OrderProcessor);
  let processed: Promise<void> | undefined;
  await app.nest.get(DataSource).transaction(async (manager) => {
    // What five attempts and a requeue leave behind.
    await manager.query('UPDATE orders SET attempt = 5, attempts_before_requeue = 5 WHERE id = $1', [id]);
    await manager.query('UPDATE stock_movements SET cycle = 5 WHERE order_id = $1', [id]);
    processed = processor.process(id, new AbortController().signal);
    await eventually(async () => (await app.sql(WAITING)).length === 1, 'the claim waits for the requeue');
  });
  await processed;
  expect(fulfillment.about(id).map(({ headers }) => headers['idempotency-key'])).toEqual([`${await keyOf(id)}-5`]);
});

it('has one winner when an order is cancelled and taken up at once', async () => {
  const processor = (await startWorker()).get(OrderProcessor);
  for (const processedFirst of [true, false, true, false]) {
    const { id, product } = await place();
    const process = () => processor.process(id, new AbortController().signal).then(() => undefined);
    const cancel = () => buyer.patch(`orders/${id}/cancel`);
    const row = `SELECT FROM orders WHERE id = ${id} FOR UPDATE`;
    const [one, other] = await runIntoLock<Answer | undefined>(
      app.databaseUrl,
      row,
      processedFirst ? [process, cancel] : [cancel, process],
    );
    const { status } = await orderOf(id);
    const cancelled = status === 'cancelled';
    expect((one ?? other)?.status).toBe(cancelled ? 200 : 409);
    expect(await statusesOf(id)).toEqual(cancelled ? ['pending', 'cancelled'] : ['pending', 'processing', 'completed']);
    expect(fulfillment.about(id)).toHaveLength(cancelled ? 0 : 1);
    expect(await stockOf(product)).toMatchObject({ on_hand: cancelled ? 5 : 3, reserved: 0 });
  }
});

it('answers in a worker only those who ask how it is', async () => {
  await startWorker();
  const origin = await worker?.getUrl();
  const statusOf = async (path: string) => (await fetch(`${origin}${path}`)).status;
  expect(await Promise.all(['/health', '/health/live', '/health/ready'].map(statusOf))).toEqual([200, 200, 200]);
  expect(await Promise.all(['/api/v1/products', '/api/v1/nothing', '/docs'].map(statusOf))).toEqual([404, 404, 404]);
});
