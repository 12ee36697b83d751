import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DueOrders } from '../../src/processing/due-orders';
import { startApp, type TestApp } from '../support/app';
import type { Client } from '../support/client';
import { eventually } from '../support/eventually';
import { Fulfillment, json } from '../support/fulfillment';

const SECRET = 'a secret that only the two of us know';

let fulfillment: Fulfillment;
let app: TestApp;
let buyer: Client;
beforeAll(async () => {
  fulfillment = await Fulfillment.start();
  app = await startApp({
    GATEWAY: 'http',
    GATEWAY_URL: fulfillment.url,
    GATEWAY_SECRET: SECRET,
    GATEWAY_TIMEOUT_MS: '500',
    PROCESSING_MAX_ATTEMPTS: '3',
    // So that an order that is not let go of would hold up all others.
    PROCESSING_CONCURRENCY: '1',
  });
  buyer = await app.newUser();
  fulfillment.answer = (response, { order }) => {
    const answer = answersTo.get(order.id)?.shift() ?? outcome({ outcome: 'success' });
    answer(response);
  };
});
afterAll(async () => {
  await app.close();
  await fulfillment.close();
});

type Answer = (response: ServerResponse) => void;
const outcome =
  (body: unknown, status = 200): Answer =>
  (response) =>
    json(response, status, body);

/** What the gateway answers to each order, one attempt after the other; after that it succeeds. */
const answersTo = new Map<number, Answer[]>();

async function place(answers: Answer[] = []): Promise<{ id: number; product: number }> {
  const lamp = await app.newProduct({ stock: 5 });
  const { body } = await buyer.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  answersTo.set(body.id, answers);
  await app.admin.post('processing/runs');
  return { id: body.id, product: lamp.id };
}

/** Waits for the order to end; attempts that were put off come at once instead of after their back-off. */
async function end(id: number) {
  return eventually(async () => {
    await app.sql(
      `UPDATE orders SET lease_until = now() WHERE id = $1 AND lease_until > now() + interval '1 second'
      AND lease_until < now() + interval '44 seconds'`,
      [id],
    );
    await app.nest.get(DueOrders).enqueueExpired();
    const { body } = await buyer.get(`orders/${id}`);
    return ['completed', 'failed'].includes(body.status) && body;
  }, `order ${id} ends`);
}

/** What its calls of the gateway have in common. */
const keyOf = async (id: number) =>
  (await app.sql('SELECT fulfillment_key AS key FROM orders WHERE id = $1', [id]))[0].key;
const stockOf = async (id: number) => (await app.anonymous.get(`products/${id}`)).body.stock;

it('sends the order, signed, and completes it when it succeeds', async () => {
  const { id, product } = await place();
  expect(await end(id)).toMatchObject({ status: 'completed', failure_reason: null });
  expect(await stockOf(product)).toEqual({ on_hand: 3, reserved: 0, available: 3 });

  const [call, ...others] = fulfillment.about(id);
  expect(others).toEqual([]);
  const { available_actions, ...shown } = (await buyer.get(`orders/${id}`)).body;
  expect(Object.keys(call?.order)).toEqual(Object.keys(shown));
  expect(call?.order).toMatchObject({ id, status: 'processing', items: shown.items });
  expect(call?.headers['idempotency-key']).toBe(`${await keyOf(id)}-0`);
  expect(call?.headers['x-request-id']).toBe(`order-${id}-attempt-1`);
});

it('is verified by the example of docs/gateway.md, which refuses a changed body, time or secret', async () => {
  const page = readFileSync(join(__dirname, '../../docs/gateway.md'), 'utf8');
  const example = /```js\n(.*?)```/s.exec(page)?.[1] as string;
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(example)}`);
  const { id } = await place();
  await end(id);
  const [call] = fulfillment.about(id);
  expect(isGenuine(call?.headers, call?.text, SECRET)).toBe(true);
  expect(isGenuine(call?.headers, `${call?.text} `, SECRET)).toBe(false);
  expect(isGenuine(call?.headers, call?.text, `${SECRET}!`)).toBe(false);
  expect(isGenuine({ ...call?.headers, 'x-signature-timestamp': '1' }, call?.text, SECRET)).toBe(false);
});

it.each<[string, Answer, string]>([
  ['a failure with its reason', outcome({ outcome: 'failure', reason: 'out of\nboxes' }), 'out of boxes'],
  ['a failure without one', outcome({ outcome: 'failure' }), 'No reason was given.'],
  ['a refusal', outcome({ error: 'secret details' }, 422), 'The fulfillment service refused the order (HTTP 422).'],
])('fails the order on %s, and releases its stock', async (_, answer, reason) => {
  const { id, product } = await place([answer]);
  expect(await end(id)).toMatchObject({ status: 'failed', failure_reason: reason });
  expect(await stockOf(product)).toEqual({ on_hand: 5, reserved: 0, available: 5 });
  expect(fulfillment.about(id)).toHaveLength(1);
});

it.each<[string, Answer]>([
  ['HTTP 500', outcome({}, 500)],
  ['HTTP 503', outcome({}, 503)],
  ['HTTP 429', outcome({}, 429)],
  ['HTTP 408', outcome({}, 408)],
  ['a redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ['silence', () => {}],
  ['a cut connection', (response) => response.destroy()],
  ['something else than JSON', (response) => response.end('<html>')],
  ['null', outcome(null)],
  ['an unknown outcome', outcome({ outcome: 'maybe' })],
  ['an endless answer', (response) => response.end('x'.repeat(70_000))],
])('tries again after %s, with the same key', async (_, answer) => {
  const { id } = await place([answer]);
  expect(await end(id)).toMatchObject({ status: 'completed' });
  const keys = fulfillment.about(id).map(({ headers }) => headers['idempotency-key']);
  expect(keys).toEqual([`${await keyOf(id)}-0`, `${await keyOf(id)}-0`]);
});

it('fails the order after the last attempt; requeued, it has all attempts again and another key', async () => {
  const broken = outcome({}, 500);
  const { id, product } = await place([broken, broken, broken, broken]);
  expect(await end(id)).toMatchObject({ status: 'failed', failure_reason: 'Processing failed 3 times.' });
  expect(fulfillment.about(id)).toHaveLength(3);
  expect(await stockOf(product)).toMatchObject({ reserved: 0 });

  expect((await app.admin.patch(`orders/${id}/status`, { status: 'pending' })).status).toBe(200);
  expect(await stockOf(product)).toMatchObject({ reserved: 2 });
  await app.admin.post('processing/runs');
  expect(await end(id)).toMatchObject({ status: 'completed', failure_reason: null });
  expect(fulfillment.about(id).at(-1)?.headers['idempotency-key']).toBe(`${await keyOf(id)}-3`);
});

it('refuses to requeue an order whose stock is gone', async () => {
  const { id, product } = await place([outcome({}, 404)]);
  await end(id);
  await buyer.post('orders', { items: [{ product_id: product, quantity: 4 }] });
  const { status, body } = await app.admin.patch(`orders/${id}/status`, { status: 'pending' });
  expect([status, body.code]).toEqual([409, 'INSUFFICIENT_STOCK']);
  expect((await buyer.get(`orders/${id}`)).body.status).toBe('failed');
});

const databaseTime = async (): Promise<Date> => (await app.sql('SELECT now()'))[0].now;

it('waits longer before each further attempt', async () => {
  const broken = outcome({}, 500);
  let asked = await databaseTime();
  const { id } = await place([broken, broken]);
  const waits: { since_asked: number; from_now: number }[] = [];
  for (const attempt of [1, 2]) {
    const wait = await eventually(async () => {
      const [row] = await app.sql(
        `SELECT extract(epoch FROM lease_until - $3) AS since_asked, extract(epoch FROM lease_until - now()) AS from_now FROM orders
         WHERE id = $1 AND attempt = $2 AND lease_until < now() + interval '30 seconds'`,
        [id, attempt, asked],
      );
      return row;
    }, `attempt ${attempt} is put off`);
    waits.push(wait);
    await app.sql(`UPDATE orders SET lease_until = now() - interval '1 second' WHERE id = $1`, [id]);
    asked = await databaseTime();
    await app.nest.get(DueOrders).enqueueExpired();
  }
  // Each bound holds however long the attempt took, and however late the test looked.
  expect(waits[0]?.since_asked).toBeGreaterThanOrEqual(5);
  expect(waits[0]?.from_now).toBeLessThanOrEqual(10);
  expect(waits[1]?.since_asked).toBeGreaterThanOrEqual(10);
  expect(waits[1]?.from_now).toBeLessThanOrEqual(20);
  await end(id);
});

it('does not let an order whose gateway is silent hold up the others', async () => {
  const { id } = await place([() => {}, () => {}]);
  await eventually(() => fulfillment.about(id).length === 1, 'the gateway has it');
  const { id: next } = await place();
  await eventually(
    async () => (await buyer.get(`orders/${next}`)).body.status === 'completed',
    'the next one completes',
  );
  await end(id);
});

it('takes no simulated outcome', async () => {
  const lamp = await app.newProduct();
  const { status, body } = await buyer.post('orders', {
    items: [{ product_id: lamp.id, quantity: 1 }],
    simulate_outcome: 'success',
  });
  expect([status, body.errors[0].field]).toEqual([400, 'simulate_outcome']);
});
