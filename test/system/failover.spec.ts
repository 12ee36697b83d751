import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/tools/embedded-postgres';
import { ADMIN, listen, logIn, testConfig } from '../support/app';
import { Client } from '../support/client';
import { connected } from '../support/database';
import { eventually } from '../support/eventually';
import { TcpProxy } from '../support/tcp-proxy';

/** A server of its own; the proxy keeps its address when it comes back at another one. */
let postgres: EmbeddedPostgres;
let proxy: TcpProxy;
let service: Awaited<ReturnType<typeof listen>>;
let admin: Client;
let lamp: { id: number };
const folder = mkdtempSync(join(tmpdir(), 'orders-failover-'));
beforeAll(async () => {
  postgres = await startEmbeddedPostgres(folder, { fsync: 'off' });
  proxy = await TcpProxy.before(postgres.url);
  service = await listen(testConfig(proxy.url, { SERVICE_ROLE: 'api', DATABASE_POOL_SIZE: '2' }));
  admin = await logIn(new Client(service.origin), ADMIN);
  lamp = (await admin.post('products', { name: 'Lamp', price_cents: 1999, stock: 1_000 })).body;
});
afterAll(async () => {
  await service.nest.close();
  await proxy.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

const sql = (text: string) =>
  connected(postgres.url, async (client) => {
    await client.query('SET default_transaction_read_only = off');
    return (await client.query(text)).rows;
  });
const order = () => admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
const orders = async () => Number((await sql('SELECT count(*) FROM orders'))[0].count);
const readiness = async () => (await admin.get('/health/ready')).status;

function expectUnavailable({ status, headers, body }: Awaited<ReturnType<typeof order>>): void {
  expect([status, headers.get('retry-after'), body.code]).toEqual([503, '1', 'UNAVAILABLE']);
}

it('a connection that turns read-only is dropped, and its request told to come again', async () => {
  await sql(`ALTER DATABASE orders SET default_transaction_read_only = on`);
  await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'orders'`);
  expectUnavailable(await order());
  expect(await readiness()).toBe(503);
  await sql(`ALTER DATABASE orders RESET default_transaction_read_only`);
  await eventually(async () => (await order()).status === 201, 'it serves again');

  // Sessions that were writable when they began.
  const source = service.nest.get(DataSource);
  const readOnly = () => source.query('SET default_transaction_read_only = on');
  await Promise.all([readOnly(), readOnly()]);
  const answers = [await order(), await order(), await order()];
  expect(answers.at(-1)?.status).toBe(201);
  for (const answer of answers) if (answer.status !== 201) expectUnavailable(answer);
  expect(answers[0]?.status).toBe(503);
});

it('a commit that may be lost in a failover is not reported as done', async () => {
  await sql(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
  await sql('SELECT pg_reload_conf()');
  const before = await orders();
  const placing = order();
  await eventually(
    async () =>
      (
        await sql(
          `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'orders'`,
        )
      ).length > 0,
    'the commit waits for a standby, and is cancelled',
  );
  expectUnavailable(await placing);
  await sql(`ALTER SYSTEM RESET synchronous_standby_names`);
  await sql('SELECT pg_reload_conf()');
  expect(await orders()).toBe(before + 1);
  expect((await order()).status).toBe(201);
});

it('a standby that is not promoted yet is no database: 503, not ready, and served again once it is', async () => {
  await postgres.stop();
  writeFileSync(join(folder, 'cluster', 'standby.signal'), '');
  postgres = await startEmbeddedPostgres(folder, { fsync: 'off' });
  proxy.lead(postgres.url);
  await eventually(async () => (await sql('SELECT pg_is_in_recovery() AS standby'))[0].standby, 'the standby answers');
  for (const answer of [await order(), await admin.get('orders'), await admin.get(`products/${lamp.id}`)]) {
    expectUnavailable(answer);
  }
  expect(await readiness()).toBe(503);
  await sql('SELECT pg_promote()');
  await eventually(async () => (await readiness()) === 200, 'it is ready again');
  expect((await order()).status).toBe(201);
});
