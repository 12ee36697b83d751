import { ROLES, type Role } from '../../../src/access/principal';
import { ORDER_STATUSES, type OrderStatus, TRANSITIONS } from '../../../src/orders/order-status';
import { startApp, type TestApp } from '../../support/app';
import type { Client } from '../../support/client';

let app: TestApp;
let ann: Awaited<ReturnType<TestApp['newUser']>>;
let warehouse: Awaited<ReturnType<TestApp['newService']>>;
let lamp: { id: number };
beforeAll(async () => {
  app = await startApp();
  ann = await app.newUser();
  warehouse = await app.newService();
  lamp = await app.newProduct({ stock: 10_000 });
});
afterAll(() => app.close());

/** Who asks, in each role. */
const as = (role: Role): Client => ({ user: ann, service: warehouse, admin: app.admin })[role];
const reserved = async () => (await app.anonymous.get(`products/${lamp.id}`)).body.stock.reserved;
const onHand = async () => (await app.anonymous.get(`products/${lamp.id}`)).body.stock.on_hand;

/** The shortest way to a status, as the table has it. */
function wayTo(status: OrderStatus): OrderStatus[] {
  let ways: OrderStatus[][] = [['pending']];
  for (;;) {
    const found = ways.find((way) => way.at(-1) === status);
    if (found) return found.slice(1);
    ways = ways.flatMap((way) => TRANSITIONS.filter(({ from }) => from === way.at(-1)).map(({ to }) => [...way, to]));
  }
}

/** An order of Ann's for two lamps, brought to this status. */
async function orderThatIs(status: OrderStatus): Promise<{ id: number; version: number }> {
  const { body } = await ann.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  let order = body;
  for (const step of wayTo(status)) order = (await app.admin.patch(`orders/${body.id}/status`, { status: step })).body;
  expect(order.status).toBe(status);
  return order;
}

describe.each(ROLES)('as %s', (role) => {
  it.each(TRANSITIONS)('$from → $to is made or refused as the table says', async ({ from, to, roles }) => {
    const order = await orderThatIs(from);
    const { status, headers, body } = await as(role).patch(`orders/${order.id}/status`, {
      status: to,
      reason: 'because',
    });
    if (roles.includes(role)) {
      expect([status, body.status, body.version, headers.get('etag')]).toEqual([
        200,
        to,
        order.version + 1,
        `"${order.version + 1}"`,
      ]);
    } else {
      expect([status, body.code]).toEqual([403, 'FORBIDDEN']);
      expect((await ann.get(`orders/${order.id}`)).body.version).toBe(order.version);
    }
  });

  it.each(ORDER_STATUSES)('what may be done with an order that is %s is what the order says', async (status) => {
    const { id } = await orderThatIs(status);
    const allowed = TRANSITIONS.filter(({ from, roles }) => from === status && roles.includes(role)).map(
      ({ action }) => action,
    );
    const { available_actions } = (await as(role).get(`orders/${id}`)).body;
    expect(available_actions).toEqual(status === 'pending' ? [...allowed, 'edit'] : allowed);
  });
});

const ILLEGAL = ORDER_STATUSES.flatMap((from) =>
  ORDER_STATUSES.filter((to) => !TRANSITIONS.some((rule) => rule.from === from && rule.to === to)).map((to) => ({
    from,
    to,
  })),
);

it.each(ILLEGAL)('$from → $to is refused with what is allowed instead', async ({ from, to }) => {
  const order = await orderThatIs(from);
  const allowed_transitions = TRANSITIONS.filter((rule) => rule.from === from).map((rule) => rule.to);
  const requests = [
    app.admin.patch(`orders/${order.id}/status`, { status: to }),
    app.admin.patch(`orders/${order.id}`, { status: to }),
    ann.patch(`orders/${order.id}`, { status: to }),
    ...(to === 'cancelled' ? [ann.patch(`orders/${order.id}/cancel`)] : []),
  ];
  for (const { status, body } of await Promise.all(requests))
    expect([status, body.code, body.allowed_transitions]).toEqual([409, 'INVALID_TRANSITION', allowed_transitions]);
  expect((await ann.get(`orders/${order.id}`)).body).toMatchObject({ status: from, version: order.version });
});

it('stock is reserved while an order is open, given back when it ends unfulfilled, and gone when it is completed', async () => {
  const [before, there] = [await reserved(), await onHand()];
  const stock = async () => [(await reserved()) - before, (await onHand()) - there];
  const { id } = await orderThatIs('processing');
  expect(await stock()).toEqual([2, 0]);
  const change = (status: OrderStatus) => app.admin.patch(`orders/${id}/status`, { status });
  await change('failed');
  expect(await stock()).toEqual([0, 0]);
  await change('pending');
  expect(await stock()).toEqual([2, 0]);
  await change('cancelled');
  expect(await stock()).toEqual([0, 0]);
  await orderThatIs('completed');
  expect(await stock()).toEqual([0, -2]);
});

it('a failed order is not requeued when its stock is gone', async () => {
  const rare = await app.newProduct({ stock: 1 });
  const items = [{ product_id: rare.id, quantity: 1 }];
  const { body: order } = await ann.post('orders', { items });
  for (const status of ['processing', 'failed']) await app.admin.patch(`orders/${order.id}/status`, { status });
  expect((await ann.post('orders', { items })).status).toBe(201);
  const { status, body } = await app.admin.patch(`orders/${order.id}/status`, { status: 'pending' });
  expect([status, body.code]).toEqual([409, 'INSUFFICIENT_STOCK']);
  expect((await ann.get(`orders/${order.id}`)).body).toMatchObject({ status: 'failed', version: 3 });
});

it('times and reasons are those of the present attempt', async () => {
  const { id } = await orderThatIs('processing');
  const change = async (status: OrderStatus, reason?: string) =>
    (await app.admin.patch(`orders/${id}/status`, { status, reason })).body;
  const time = expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/);
  const failed = await change('failed', 'out of ink');
  expect(failed).toMatchObject({ failure_reason: 'out of ink', processing_started_at: time, completed_at: null });
  expect(await change('pending')).toMatchObject({
    failure_reason: null,
    processing_started_at: null,
    completed_at: null,
  });
  await change('processing');
  expect(await change('completed')).toMatchObject({
    failure_reason: null,
    processing_started_at: time,
    completed_at: time,
  });
});

it('cancelling takes a reason, an empty body, or none at all', async () => {
  const json = ann.with({ 'content-type': 'application/json' });
  const cancel = [
    (path: string) => ann.patch(path, { reason: 'ordered by mistake' }),
    (path: string) => ann.patch(path, {}),
    (path: string) => ann.patch(path),
    // As cURL sends it with the header that its user always gives.
    (path: string) => json.patch(path),
    (path: string) => json.patch(path, ''),
  ];
  for (const send of cancel) {
    const { id } = await orderThatIs('pending');
    const { status, body } = await send(`orders/${id}/cancel`);
    expect([status, body.status, body.available_actions]).toEqual([200, 'cancelled', []]);
  }
});

it('history tells each change with its actor, reason and request, the placing first', async () => {
  const request = (client: Client, id: string) => client.with({ 'x-request-id': id });
  const items = [{ product_id: lamp.id, quantity: 1 }];
  const { body: order } = await request(ann, 'r-1').post('orders', { items });
  await request(warehouse, 'r-2').patch(`orders/${order.id}`, { note: 'no change of status', status: 'paid' });
  await request(ann, 'r-3').patch(`orders/${order.number}/cancel`, { reason: 'too late' });
  const { status, body } = await ann.get(`orders/${order.number}/history`);
  const annActs = { type: 'user', id: ann.id, name: 'Ann Smith' };
  const warehouseActs = { type: 'client', id: warehouse.id, name: 'Warehouse' };
  const created_at = expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/);
  expect([status, body]).toEqual([
    200,
    {
      history: [
        { from_status: null, to_status: 'pending', actor: annActs, reason: null, request_id: 'r-1', created_at },
        {
          from_status: 'pending',
          to_status: 'paid',
          actor: warehouseActs,
          reason: null,
          request_id: 'r-2',
          created_at,
        },
        {
          from_status: 'paid',
          to_status: 'cancelled',
          actor: annActs,
          reason: 'too late',
          request_id: 'r-3',
          created_at,
        },
      ],
    },
  ]);
});
