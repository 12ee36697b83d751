import { startApp, type TestApp } from './support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

it('places', async () => {
  const user = await app.newUser();
  const lamp = await app.newProduct({ stock: 5 });
  const { status, body } = await user.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  expect(status).toBe(201);
  expect(body.items).toHaveLength(1);
});
