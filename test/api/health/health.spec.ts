import { version } from '../../../package.json';
import { startApp, type TestApp } from '../../support/app';
import { eventually } from '../../support/eventually';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ PROCESSING_DURATION_MS: '2500' });
});
let closed: Promise<void> | undefined;
afterAll(() => closed ?? app.close());

const GOOD = { database: 'ok', migrations: 'ok', queue: 'ok', accepting: 'ok' };

async function expectChecks(failed: object): Promise<void> {
  const status = Object.keys(failed).length > 0 ? 'unhealthy' : 'healthy';
  const [health, ready, live] = await Promise.all(
    ['/health', '/health/ready', '/health/live'].map((path) => app.anonymous.get(path)),
  );
  const report = {
    status,
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    version,
    environment: 'test',
    checks: expect.objectContaining({ ...GOOD, ...failed }),
  };
  expect([health?.status, health?.body]).toEqual([200, report]);
  expect([ready?.status, ready?.body]).toEqual([status === 'healthy' ? 200 : 503, report]);
  if (status === 'unhealthy') expect(ready?.headers.get('retry-after')).toBe('1');
  expect([live?.status, live?.body]).toEqual([200, { status: 'alive' }]);
}

it('tells anybody that all is well', async () => {
  await expectChecks({});
});

it('is not ready while a migration has not run', async () => {
  const [[last]] = await app.sql('DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations) RETURNING *');
  await expectChecks({ migrations: 'failed' });
  await app.sql('INSERT INTO migrations (timestamp, name) VALUES ($1, $2)', [last.timestamp, last.name]);
  await expectChecks({});
});

it('is not ready while the tables of the queue are gone', async () => {
  await app.sql('ALTER TABLE pgboss.version RENAME TO moved');
  await expectChecks({ queue: 'failed' });
  await app.sql('ALTER TABLE pgboss.moved RENAME TO version');
  await expectChecks({});
});

it('is not ready while it shuts down, but still serves, and finishes what runs', async () => {
  const { id } = await app.newProduct();
  const { body: order } = await app.admin.post('orders', { items: [{ product_id: id, quantity: 1 }] });
  await app.admin.post('processing/runs');
  const statusOf = async () => (await app.admin.get(`orders/${order.id}`)).body.status;
  await eventually(async () => (await statusOf()) === 'processing', 'the order is being processed');
  closed = app.close();
  await eventually(async () => (await app.anonymous.get('/health/ready')).status === 503, 'it is draining');
  await expectChecks({ accepting: 'failed' });
  expect(await statusOf()).toBe('processing');
  await closed;
  await expect(app.anonymous.get('/health/live')).rejects.toThrow('fetch failed');
});
