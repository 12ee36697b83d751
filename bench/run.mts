import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import { fillCatalogue, fillOrders } from './fill.mts';
import { CONNECTIONS, type Load, load, median, SECONDS } from './load.mts';
import { literal, pgbench, scriptLine } from './pgbench.mts';
import { place, placementScript } from './placing.mts';
import { chart, table } from './report.mts';
import { type Service, startService } from './service.mts';

/*
 * Measures the service against PostgreSQL itself: in each round first pgbench with the SQL that the service sends, then
 * the service over HTTP. The numbers of a shared machine wander; their ratio in one run does not.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const SIZES = (process.env.BENCH_SIZES ?? '10000,1000000').split(',').map(Number);
const BACKLOG = 10_000;

// The service as built: its SQL comes from the same files that run.
const built = createRequire(import.meta.url);
const { startEmbeddedPostgres } = built(
  '../dist/tools/embedded-postgres.js',
) as typeof import('../src/tools/embedded-postgres.js');
const { pageStatement, totalsStatement } = built(
  '../dist/orders/reading/order-queries.js',
) as typeof import('../src/orders/reading/order-queries.js');
const { OrdersQuery } = built(
  '../dist/orders/order-request.dto.js',
) as typeof import('../src/orders/order-request.dto.js');
const { SYSTEM } = built('../dist/access/principal.js') as typeof import('../src/access/principal.js');

interface Row {
  what: string;
  round: number;
  pgbench?: number;
  http?: number;
  ratio?: number;
  value?: number;
  unit: string;
}

const rows: Row[] = [];
const step = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);

function compared(what: string, round: number, baseline: number, measured: Load): void {
  if (measured.failed > 0) throw new Error(`${what}: ${measured.failed} requests failed`);
  rows.push({
    what,
    round,
    pgbench: baseline,
    http: measured.perSecond,
    ratio: measured.perSecond / baseline,
    unit: '/s',
  });
  step(
    `${what}: pgbench ${baseline.toFixed(0)}/s, service ${measured.perSecond.toFixed(0)}/s, ratio ${(measured.perSecond / baseline).toFixed(2)}`,
  );
}

/** Lists: what is asked for, and the same as SQL. */
const LISTS = {
  'first page': { limit: 20 },
  '500th page': { limit: 20, offset: 9_980 },
  'filtered page': { limit: 20, status: ['failed'] },
};

function listScript(query: object, totals: boolean): string {
  const asked = Object.assign(new OrdersQuery(), query);
  const page = pageStatement(asked, SYSTEM);
  const sum = totalsStatement(asked, SYSTEM);
  return [
    scriptLine(page.text, page.values.map(literal)),
    ...(totals ? [scriptLine(sum.text, sum.values.map(literal))] : []),
  ].join('');
}

async function list(service: Service, token: string, query: object, totals: boolean): Promise<Load> {
  const parameters = Object.entries({ ...query, totals }).map(([name, value]) => `${name}=${value}`);
  const url = `${service.origin}/api/v1/orders?${parameters.join('&')}`;
  return load(url, { method: 'GET', headers: { authorization: `Bearer ${token}` } }, CONNECTIONS, SECONDS);
}

/** Processes these and all other orders that are due, with a gateway that takes no time; orders a second. */
async function processBacklog(databaseUrl: string, client: Client, firstUser: number): Promise<number> {
  await client.query(
    `WITH placed AS (
       INSERT INTO orders (user_id, number, currency, total_quantity, total_amount_cents)
       SELECT $1, 'Q-' || $3::text || n, 'USD', 1, 100 FROM generate_series(1, $2) n RETURNING *
     )
     INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
     SELECT status, count(*), sum(total_quantity), sum(total_amount_cents) FROM placed GROUP BY status`,
    [firstUser, BACKLOG, String(Date.now())],
  );
  const service = await startService(databaseUrl, { PROCESSING_DURATION_MS: '0' });
  const token = await service.login();
  // The first round also finds what was placed before.
  const left = async () =>
    Number(
      (await client.query(`SELECT count(*) AS n FROM orders WHERE status IN ('pending', 'processing')`)).rows[0].n,
    );
  const due = await left();
  const began = performance.now();
  await fetch(`${service.origin}/api/v1/processing/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  while ((await left()) > 0) await setTimeout(200);
  const seconds = (performance.now() - began) / 1000;
  await service.stop();
  return due / seconds;
}

const directory = mkdtempSync(join(tmpdir(), 'orders-bench-'));
const postgres = await startEmbeddedPostgres(directory, {
  max_connections: '200',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
});
const client = new Client(postgres.url);
await client.connect();
try {
  const first = await startService(postgres.url);
  await first.stop();
  await fillCatalogue(client);
  const firstUser = Number(
    (await client.query(`SELECT min(id) AS id FROM users WHERE email LIKE 'customer%'`)).rows[0].id,
  );
  for (const size of SIZES) {
    step(`${size.toLocaleString('en')} orders`);
    await fillOrders(client, size);
    const service = await startService(postgres.url);
    rows.push({ what: 'start to ready', round: 1, value: service.startup, unit: 'ms' });
    const token = await service.login();
    for (let round = 1; round <= ROUNDS; round++) {
      for (const [name, query] of Object.entries(LISTS)) {
        for (const totals of [false, true]) {
          const what = `list, ${name}${totals ? ' and totals' : ''}, ${size.toLocaleString('en')} orders`;
          const baseline = await pgbench(postgres.url, listScript(query, totals), CONNECTIONS, SECONDS);
          compared(what, round, baseline, await list(service, token, query, totals));
        }
      }
    }
    await service.stop();
  }
  const service = await startService(postgres.url);
  const token = await service.login();
  for (let round = 1; round <= ROUNDS; round++) {
    const baseline = await pgbench(postgres.url, placementScript(firstUser), CONNECTIONS, SECONDS);
    compared('place an order of two lines', round, baseline, await place(service, token, client, firstUser));
    rows.push({ what: 'resident memory, placing orders', round, value: service.memory(), unit: 'MiB' });
    const body = JSON.stringify({ email: 'admin@example.com', password: 'benchmark admin password' });
    const login = await load(
      `${service.origin}/api/v1/auth/login`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body },
      CONNECTIONS,
      SECONDS,
    );
    rows.push({ what: 'log in', round, value: login.perSecond, unit: '/s' });
    rows.push({ what: 'resident memory, logging in', round, value: service.memory(), unit: 'MiB' });
  }
  await service.stop();
  for (let round = 1; round <= ROUNDS; round++) {
    const perSecond = await processBacklog(postgres.url, client, firstUser);
    step(`processing: ${perSecond.toFixed(0)} orders/s`);
    rows.push({ what: `process a backlog of ${BACKLOG.toLocaleString('en')}`, round, value: perSecond, unit: '/s' });
  }
  const summary = [...Map.groupBy(rows, ({ what }) => what)].map(([what, of]) => ({
    what,
    unit: of[0]?.unit ?? '',
    ...Object.fromEntries(
      (['pgbench', 'http', 'ratio', 'value'] as const).flatMap((key) =>
        of[0]?.[key] === undefined ? [] : [[key, median(of.map((row) => row[key] as number))]],
      ),
    ),
  }));
  for (const folder of ['bench/results', 'docs']) mkdirSync(folder, { recursive: true });
  writeFileSync(
    'bench/results/latest.json',
    `${JSON.stringify({ rounds: ROUNDS, seconds: SECONDS, connections: CONNECTIONS, rows }, null, 1)}\n`,
  );
  writeFileSync('docs/performance.svg', chart(summary));
  process.stdout.write(table(summary));
} finally {
  await client.end();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
