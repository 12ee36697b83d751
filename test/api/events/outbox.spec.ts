import { OutboxRelay } from '../../../src/events/outbox-relay';
import { startApp, type TestApp } from '../../support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

it('writes an event with each change of an order, in the order of its versions', async () => {
  const user = await app.newUser();
  const lamp = await app.newProduct();
  const { body: order } = await user.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  const actor = { type: 'user', id: user.id };
  const common = { order_number: order.number, user_id: user.id, reason: null, actor };
  await user.patch(`orders/${order.id}`, { note: 'Ring twice.' });
  await user.patch(`orders/${order.id}/cancel`, { reason: 'Changed my mind.' });
  expect(
    await app.sql(
      `SELECT topic, sequence, payload FROM outbox WHERE aggregate_type = 'order' AND aggregate_id = $1 ORDER BY id`,
      [order.id],
    ),
  ).toEqual([
    { topic: 'order.placed', sequence: 1, payload: { ...common, from_status: null, to_status: 'pending' } },
    { topic: 'order.edited', sequence: 2, payload: { ...common, from_status: 'pending', to_status: 'pending' } },
    {
      topic: 'order.cancelled',
      sequence: 3,
      payload: { ...common, from_status: 'pending', to_status: 'cancelled', reason: 'Changed my mind.' },
    },
  ]);
});

it('refuses a consumer of an event that does not exist, which ends the start', () => {
  const consumer = { topics: ['order.placed', 'order.eaten'] as never[], consume: () => Promise.resolve() };
  expect(() => app.nest.get(OutboxRelay).register(consumer)).toThrow(/order\.eaten/);
});
