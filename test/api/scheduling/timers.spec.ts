import { SchedulerRegistry } from '@nestjs/schedule';
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
  const names = Array.from({ length: 10 }, (_, n) => `due-${n}`);
  await app.sql(`INSERT INTO timers SELECT name, now() - interval '1 hour' FROM unnest($1::text[]) name`, [names]);
  const runs: string[] = [];
  const work = (name: string) => async () => runs.push(name);
  await Promise.all(
    names.flatMap((name) => processes.map(({ nest }) => nest.get(Timers).runIfDue(name, 60, work(name)))),
  );
  expect(runs.toSorted()).toEqual(names);
  await Promise.all(processes.map(({ nest }) => nest.close()));
});

it.each([
  ['ran an hour ago', '-1 hour', 1],
  ['ran within its interval', '-50 seconds', 0],
  ['ran a moment ago by another clock', '5 seconds', 0],
  ['ran in the future, by a clock that was set back', '1 hour', 1],
])('a timer that %s runs accordingly', async (_, ago, expected) => {
  const { nest } = await listen(testConfig(app.databaseUrl, { SERVICE_ROLE: 'worker' }));
  const name = `clock ${ago}`;
  await app.sql('INSERT INTO timers VALUES ($1, now() + $2::interval)', [name, ago]);
  let runs = 0;
  await nest.get(Timers).runIfDue(name, 60, async () => runs++);
  expect(runs).toBe(expected);
  await nest.close();
});

it('API processes have no timers', () => {
  expect([...app.nest.get(SchedulerRegistry).getCronJobs().keys()]).toEqual([]);
});
