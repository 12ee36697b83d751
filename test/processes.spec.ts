import { rmSync } from 'node:fs';
import { ADMIN, logIn, startApp, type TestApp } from './support/app';
import { buildService } from './support/build';
import type { Client } from './support/client';
import { eventually } from './support/eventually';
import { Fulfilment } from './support/fulfilment';
import { type Service, startService } from './support/service';

/** Several processes of the service on one database, and the fulfilment service that all of them call. */
let app: TestApp;
let fulfilment: Fulfilment;
let build: string;
beforeAll(async () => {
  build = buildService();
  app = await startApp({ SERVICE_ROLE: 'api' });
  fulfilment = await Fulfilment.start();
});
afterAll(async () => {
  await app.close();
  await fulfilment.close();
  rmSync(build, { recursive: true });
});

const startProcess = (settings: NodeJS.ProcessEnv): Promise<Service> =>
  startService(build, {
    DATABASE_URL: app.databaseUrl,
    GATEWAY: 'http',
    GATEWAY_URL: fulfilment.url,
    GATEWAY_SECRET: 's'.repeat(32),
    ...settings,
  });

/** Orders one piece after the other; returns the ids. */
async function buy(client: Client, product: number, until: () => boolean): Promise<number[]> {
  const placed: number[] = [];
  while (!until()) {
    const { status, body } = await client.post('orders', { items: [{ product_id: product, quantity: 1 }] });
    expect(status).toBe(201);
    placed.push(body.id);
  }
  return placed;
}

it('processes 200 orders once each with two processes for the API and two that work', async () => {
  const lamp = await app.newProduct({ stock: 1_000 });
  const [api, otherApi] = [await startProcess({ SERVICE_ROLE: 'api' }), await startProcess({ SERVICE_ROLE: 'api' })];
  const workers = [await startProcess({ SERVICE_ROLE: 'worker' }), await startProcess({ SERVICE_ROLE: 'worker' })];
  let left = 200;
  const until = () => left-- <= 0;
  const buyers = await Promise.all([api, otherApi].map((service) => logIn(service.anonymous, ADMIN)));
  const ids = (await Promise.all([...buyers, ...buyers].map((client) => buy(client, lamp.id, until)))).flat();
  expect(ids).toHaveLength(200);
  await eventually(
    async () => {
      const [{ count }] = await app.sql(`SELECT count(*)::int FROM orders WHERE status = 'completed'`);
      return count === ids.length;
    },
    'all orders are completed',
    60,
  );
  for (const id of ids) expect(fulfilment.about(id)).toHaveLength(1);
  const completedBy = ({ output }: Service) => output().match(/"outcome":"completed"/g)?.length ?? 0;
  expect([api, otherApi].map(completedBy)).toEqual([0, 0]);
  const shares = workers.map(completedBy);
  expect(shares.reduce((sum, share) => sum + share)).toBe(200);
  const codes = await Promise.all([api, otherApi, ...workers].map((service) => service.terminate()));
  expect(codes).toEqual([0, 0, 0, 0]);
}, 300_000);
