import { startApp, type TestApp } from './support/app';
import { eventually } from './support/eventually';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

it('takes an order from pending to completed, with its history', async () => {
  const user = await app.newUser();
  const lamp = await app.newProduct({ stock: 5 });
  const placed = await user.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  expect((await app.admin.post('processing/runs')).body).toEqual({ queued: 1 });

  const order = await eventually(async () => {
    const { body } = await user.get(`orders/${placed.body.id}`);
    return body.status === 'completed' && body;
  }, 'the order is completed');

  expect(order.completed_at).toMatch(/^\d{4}-.*Z$/);
  const { history } = (await user.get(`orders/${order.id}/history`)).body;
  expect(history.map((entry: { to_status: string }) => entry.to_status)).toEqual([
    'pending',
    'processing',
    'completed',
  ]);
  expect(history.map((entry: { actor: { type: string } }) => entry.actor.type)).toEqual(['user', 'system', 'system']);
  expect((await app.anonymous.get(`products/${lamp.id}`)).body.stock).toEqual({
    on_hand: 3,
    reserved: 0,
    available: 3,
  });
});
