import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/tools/embedded-postgres';
import { ADMIN, logIn } from '../support/app';
import { BUILD } from '../support/build';
import type { Answer, Client } from '../support/client';
import { connected } from '../support/database';
import { eventually } from '../support/eventually';
import { brokenInvariants } from '../support/invariants';
import { giveBackJobs } from '../support/jobs';
import { type Service, startService } from '../support/service';
import { SmtpSink } from '../support/smtp';
import { tally } from '../support/tally';
import { TcpProxy } from '../support/tcp-proxy';

/** A server of its own, to be stopped and started; the proxy keeps its address when it comes back at another one. */
let postgres: EmbeddedPostgres;
let proxy: TcpProxy;
let smtp: SmtpSink;
let api: Service;
let worker: Service;
let admin: Client;
let lamp: { id: number };
const folder = mkdtempSync(join(tmpdir(), 'orders-restart-'));
beforeAll(async () => {
  await start();
  proxy = await TcpProxy.before(postgres.url);
  smtp = await new SmtpSink().start();
  const settings = { DATABASE_URL: proxy.url, SMTP_URL: smtp.url };
  api = await startService(BUILD, { ...settings, SERVICE_ROLE: 'api' });
  worker = await startService(BUILD, { ...settings, SERVICE_ROLE: 'worker' });
  admin = await logIn(api.anonymous, ADMIN);
  lamp = (await admin.post('products', { name: 'Lamp', price_cents: 1999, stock: 1_000_000 })).body;
});
afterAll(async () => {
  await Promise.all([api.kill(), worker.kill()]);
  await smtp.stop();
  await proxy.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  postgres = await startEmbeddedPostgres(folder, { fsync: 'off' });
  proxy?.lead(postgres.url);
}

/** A fast shutdown ends all sessions; an immediate one is a crash, and the next start recovers from it. */
async function stop(how: 'fast' | 'immediate'): Promise<void> {
  if (how === 'immediate') {
    const text = `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`;
    const { rows } = await connected(postgres.url, (client) => client.query(text));
    process.kill(rows[0].pid, 'SIGQUIT');
  }
  await postgres.stop();
}

const order = () => admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
const requests = [
  order,
  () => admin.get('orders'),
  () => api.anonymous.get(`products/${lamp.id}`),
  () => admin.post('processing/runs'),
];

/** Everything that was answered 201 to an order. */
const placed: number[] = [];

/** Sends requests while `event` happens, which can count those answered with 503; returns all answers. */
async function underLoad(event: (unavailable: () => number) => Promise<void>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let over = false;
  const person = async (index: number) => {
    for (let count = index; !over; count++) {
      const answer = await (requests[count % requests.length] as typeof order)();
      answers.push(answer);
      if (answer.status === 201) placed.push(answer.body.id);
      // As Retry-After asks, only sooner.
      await setTimeout(answer.status === 503 ? 100 : 20);
    }
  };
  const people = Array.from({ length: 6 }, (_, index) => person(index));
  const before = placed.length;
  await eventually(() => placed.length >= before + 10, 'the load is on');
  await event(() => answers.filter(({ status }) => status === 503).length).finally(() => {
    over = true;
  });
  await Promise.all(people);
  return answers;
}

/** Both processes live, and serve again. */
async function expectService(): Promise<void> {
  await eventually(
    async () => (await Promise.all(requests.map((request) => request()))).every(({ status }) => status < 300),
    'the API serves again',
  );
  expect(await Promise.race([api.ended, worker.ended, 'running'])).toBe('running');
}

it.each(['fast', 'immediate', 'fast', 'immediate'] as const)(
  'serves again after a restart (%s), and answers at worst 503 meanwhile',
  async (how) => {
    const answers = await underLoad(async () => {
      await stop(how);
      await start();
      await expectService();
    });
    expect(Object.keys(tally(answers)).filter((kind) => !['200', '201', '202', 'UNAVAILABLE'].includes(kind))).toEqual(
      [],
    );
  },
);

it('lives on while the database is down, and shows what it knows by itself', async () => {
  const answers = await underLoad(async (unavailable) => {
    await Promise.all([stop('fast'), proxy.close()]);
    for (const { anonymous } of [api, worker]) {
      expect((await anonymous.get('/health/live')).status).toBe(200);
      expect((await anonymous.get('/health/ready')).status).toBe(503);
      const { status, body } = await anonymous.get('/metrics');
      expect([status, body]).toEqual([200, expect.stringContaining('\nprocess_cpu_seconds_total ')]);
      expect(body).toContain('\ndatabase_pool{state="open"} ');
      expect(body).not.toContain('outbox_events');
    }
    const worried = ({ output }: Service) => /"context":"queue"/.test(output());
    await eventually(
      () => unavailable() > 10 && [api, worker].every(worried),
      'requests and the queue meet the outage',
    );
    await start();
    await proxy.open();
    await expectService();
  });
  expect(Object.keys(tally(answers)).filter((kind) => !['200', '201', '202', 'UNAVAILABLE'].includes(kind))).toEqual(
    [],
  );
});

it('then processes each order that was placed, sends its mails, and has nothing to hide in its log', async () => {
  const sql = (text: string) => connected(postgres.url, async (client) => (await client.query(text)).rows);
  // Orders that a worker had when the database went down: other workers would take them over in a minute.
  await sql('UPDATE orders SET lease_until = now() WHERE lease_until IS NOT NULL');
  await eventually(
    async () => (await sql(`SELECT FROM orders WHERE status <> 'completed'`)).length === 0,
    'every order is completed',
  );
  await giveBackJobs(postgres.url);
  const mails = () => new Set(smtp.delivered.map(({ reference }) => reference));
  const wanted = placed.flatMap((id) => [1, 2, 3].map((sequence) => `order-${id}-${sequence}`));
  await eventually(() => {
    const sent = mails();
    return wanted.every((id) => sent.has(id));
  }, 'every mail is out');
  const ids = new Set((await sql('SELECT id FROM orders')).map(({ id }) => id));
  expect(placed.filter((id) => !ids.has(id))).toEqual([]);
  expect(placed.length).toBeGreaterThanOrEqual(50);
  expect(await connected(postgres.url, brokenInvariants)).toEqual([]);
  for (const { output } of [api, worker]) expect(output()).not.toMatch(/unhandled|uncaught|INTERNAL_ERROR/i);
  expect(await Promise.all([api.terminate(), worker.terminate()])).toEqual([0, 0]);
});
