import { Timers } from '../../../src/scheduling/timers';
import { listen, startApp, type TestApp, testConfig } from '../../support/app';
import { eventually } from '../../support/eventually';
import { holdLock } from '../../support/locks';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

it('ends also when it is told to before its timers have begun', async () => {
  const lock = await holdLock(app.databaseUrl, 'LOCK TABLE timers');
  const { nest } = await listen(testConfig(app.databaseUrl, { SERVICE_ROLE: 'worker' }));
  await lock.waitedForBy(2);
  const closed = nest.close();
  await lock.release();
  await closed;
});

it('goes on sweeping after the database could not answer at the start', async () => {
  const lock = await holdLock(app.databaseUrl, 'LOCK TABLE timers');
  const settings = { SERVICE_ROLE: 'worker', PROCESSING_INTERVAL_SECONDS: '1' };
  const { nest } = await listen(testConfig(app.databaseUrl, settings));
  await lock.waitedForBy(2);
  await app.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  await lock.release();

  const lamp = await app.newProduct();
  const { body: order } = await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  await eventually(
    async () => (await app.admin.get(`orders/${order.id}`)).body.status === 'completed',
    'the sweep finds the order',
  );
  await nest.close();
});

it('runs a timer in one process at a time, however many have it', async () => {
  const processes = await Promise.all(
    [1, 2, 3].map(() => listen(testConfig(app.databaseUrl, { SERVICE_ROLE: 'worker' }))),
  );
  const runs: number[] = [];
  for (const { nest } of processes) nest.get(Timers).start('test', 1, async () => runs.push(performance.now()));
  await eventually(() => runs.length >= 4, 'the timer has run four times');
  await Promise.all(processes.map(({ nest }) => nest.close()));
  const gaps = runs.slice(1).map((run, index) => run - (runs[index] as number));
  // What is measured here is when the claim is answered: later than the claim by what a busy machine makes of it.
  expect(Math.min(...gaps)).toBeGreaterThan(700);
});
