import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { fillCatalogue } from './fill.mts';
import { CONNECTIONS, load, median } from './load.mts';
import { placementRequest } from './placing.mts';
import { type Service, startService } from './service.mts';

/*
 * Processor time per request of several checkouts, each built with `npm run build`:
 *   npm run bench:compare -- ../before .
 * Each has its own API process and database on one PostgreSQL. In every round each route is measured on each checkout in
 * turn, so that the wandering speed of a shared machine meets all of them.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);

const folders = process.argv.slice(2);
const { startEmbeddedPostgres } = createRequire(import.meta.url)(
  '../dist/tools/embedded-postgres.js',
) as typeof import('../src/tools/embedded-postgres.js');

/** One checkout under measurement. */
interface Subject {
  folder: string;
  service: Service;
  token: string;
  firstUser: number;
}

type Route = (subject: Subject) => { path: string; request: Parameters<typeof load>[1] };

const get =
  (path: string): Route =>
  ({ token }) => ({
    path,
    request: { method: 'GET', headers: { authorization: `Bearer ${token}` } },
  });

const ROUTES: Record<string, Route> = {
  'POST /orders (two lines)': ({ token, firstUser }) => ({
    path: '/api/v1/orders',
    request: placementRequest(token, firstUser),
  }),
  'GET /orders/{id}': get('/api/v1/orders/1'),
  'GET /orders (20, no totals)': get('/api/v1/orders?totals=false'),
  'GET /auth/me': get('/api/v1/auth/me'),
};

async function startSubject(folder: string, index: number, admin: string): Promise<Subject> {
  const name = `subject_${index}`;
  const client = new Client(admin);
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const service = await startService(url.href, { SERVICE_ROLE: 'api' }, resolve(folder));
  const own = new Client(url.href);
  await own.connect();
  await fillCatalogue(own);
  const { rows } = await own.query(`SELECT min(id) AS id FROM users WHERE email LIKE 'customer%'`);
  await own.end();
  return { folder, service, token: await service.login(), firstUser: Number(rows[0].id) };
}

const directory = mkdtempSync(join(tmpdir(), 'orders-compare-'));
const postgres = await startEmbeddedPostgres(directory, { max_connections: '200', shared_buffers: '512MB' });
const subjects: Subject[] = [];
try {
  for (const [index, folder] of folders.entries()) subjects.push(await startSubject(folder, index, postgres.url));
  const results = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, route] of Object.entries(ROUTES)) {
      // Each round begins with another checkout.
      for (let turn = 0; turn < subjects.length; turn++) {
        const subject = subjects[(turn + round) % subjects.length] as Subject;
        const { path, request } = route(subject);
        const before = subject.service.processorSeconds();
        const { answered, failed } = await load(`${subject.service.origin}${path}`, request, CONNECTIONS, SECONDS);
        if (failed > 0) throw new Error(`${name}: ${failed} requests failed in ${subject.folder}`);
        const micros = ((subject.service.processorSeconds() - before) / answered) * 1e6;
        // The first round warms up.
        const key = `${name}|${subject.folder}`;
        if (round > 0) results.set(key, [...(results.get(key) ?? []), micros]);
      }
    }
  }
  const [first] = folders;
  process.stdout.write(`µs of the Node process per request, medians of ${ROUNDS} rounds of ${SECONDS} s\n`);
  for (const name of Object.keys(ROUTES)) {
    const base = median(results.get(`${name}|${first}`) as number[]);
    const cells = folders.map((folder) => {
      const micros = median(results.get(`${name}|${folder}`) as number[]);
      return `${folder} ${micros.toFixed(0)} (${(micros / base).toFixed(2)})`;
    });
    process.stdout.write(`${name}: ${cells.join(', ')}\n`);
  }
  for (const { folder, service } of subjects)
    process.stdout.write(`most resident memory of ${folder}: ${service.memory().toFixed(0)} MiB\n`);
} finally {
  for (const { service } of subjects) await service.stop();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
