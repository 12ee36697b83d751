import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ADMIN, startApp, type TestApp } from '../support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ DEMO_DATA: 'true' });
});
afterAll(() => app.close());

it('an empty catalogue is filled with products to try things on, their stock in the ledger', async () => {
  const { products } = (await app.anonymous.get('products')).body;
  expect(products.map(({ sku }: { sku: string }) => sku)).toEqual([
    'MBP-16',
    'MOUSE-1',
    'LAMP-7',
    'CHAIR-2',
    'GIFT-WRAP',
  ]);
  expect(products[0].stock).toEqual({ on_hand: 25, reserved: 0, available: 25 });
  expect(products[4].stock).toBeNull();
});

it('the demo walks an order from its placing to its history', async () => {
  const environment = {
    ...process.env,
    BASE_URL: app.origin,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['demo/demo.mts'], { env: environment });
  for (const line of [
    /^Place an order of two lines +pending +ORD-\w{8}, 3 in all, 109.48 USD$/m,
    /^Its stock is reserved +198 left +Wireless mouse: 200 on hand, 2 reserved$/m,
    /^Cancel it while pending +cancelled /m,
    /^Its stock is available again +39 left +Desk lamp: 40 on hand, 1 reserved$/m,
    /^Order more than there is +409 +INSUFFICIENT_STOCK; still 2 orders$/m,
    /^The order is processed +completed /m,
    /^Its stock is shipped +198 left +Wireless mouse: 198 on hand, 0 reserved$/m,
    /^History +pending .* by Demo Customer \(user\)\n +processing .* by processing \(system\)\n +completed .* by processing \(system\)$/m,
  ])
    expect(stdout).toMatch(line);
});

it('the demo says what to do when no service answers', async () => {
  const run = promisify(execFile)(process.execPath, ['demo/demo.mts'], {
    env: { ...process.env, BASE_URL: 'http://127.0.0.1:1' },
  });
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('start the service with npm start'),
  });
});
