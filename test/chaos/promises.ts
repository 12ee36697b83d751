/**
 * Measures what the service promises in seconds, one after the other, and says which promise was broken:
 * `npm run bench:promises`, on a machine that does nothing else. The tests hold the same behaviour without a clock.
 */
import 'reflect-metadata';
import { resolve } from 'node:path';
import { ADMIN, logIn } from '../support/app';
import type { Client } from '../support/client';
import { eventually } from '../support/eventually';
import { holdLock } from '../support/locks';
import { type Service, startService } from '../support/service';
import { SmtpSink } from '../support/smtp';
import { ChaosDatabase } from './database';

/** Seconds that a measurement waits at most: longer than every promise. */
const PATIENCE = 180;

/** Everything that the promises are about. */
interface Stage {
  database: ChaosDatabase;
  smtp: SmtpSink;
  api: Service;
  admin: Client;
  product: number;
  start(settings: NodeJS.ProcessEnv): Promise<Service>;
}

/** What is promised, within how many seconds, and how many it took. */
const PROMISES: [what: string, seconds: number, measure: (stage: Stage) => Promise<number>][] = [
  ['the order of a killed worker is completed by another', 75, takeOverOrder],
  ['the mail of a killed worker is sent by another', 60, takeOverMail],
  ['all mails are out after the repair of a mail server that was away for long', 60, deliverAfterOutage],
  ['a request that waits for a lock is answered', 5, answerAtLock],
  ['a request is answered while the database is silent', 5, answerInSilence],
  ['the API serves again after a restart of the database', 2, serveAfterRestart],
  ['a worker whose gateway is slow ends after SIGTERM', 10, endWorker],
  ['an API under load ends after SIGTERM', 10, endApi],
];

async function main(): Promise<void> {
  const database = await ChaosDatabase.start({ withStandby: false });
  const smtp = await new SmtpSink().start();
  const start = (settings: NodeJS.ProcessEnv) =>
    startService(resolve('dist'), { DATABASE_URL: database.url, SMTP_URL: smtp.url, ...settings });
  const api = await start({ SERVICE_ROLE: 'api' });
  const admin = await logIn(api.anonymous, ADMIN);
  const product = (await admin.post('products', { name: 'Lamp', price_cents: 1999, stock: 1_000_000 })).body.id;
  try {
    for (const [what, limit, measure] of PROMISES) {
      const seconds = await measure({ database, smtp, api, admin, product, start });
      const verdict = seconds <= limit ? 'kept' : 'BROKEN';
      process.stdout.write(`| ${what} | ${limit} | ${seconds.toFixed(1)} | ${verdict} |\n`);
      if (seconds > limit) process.exitCode = 1;
    }
  } finally {
    await api.kill();
    await smtp.stop();
    await database.stop();
  }
}

/** Seconds that something takes. */
async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

async function place({ admin, product }: Stage): Promise<number> {
  return (await admin.post('orders', { items: [{ product_id: product, quantity: 1 }] })).body.id;
}

const becomes = ({ admin }: Stage, id: number, status: string) =>
  eventually(async () => (await admin.get(`orders/${id}`)).body.status === status, `${id} is ${status}`, PATIENCE);

async function takeOverOrder(stage: Stage): Promise<number> {
  const id = await place(stage);
  const victim = await stage.start({ SERVICE_ROLE: 'worker', PROCESSING_DURATION_MS: '30000' });
  await becomes(stage, id, 'processing');
  await victim.kill();
  let other: Service | undefined;
  const seconds = await secondsOf(async () => {
    other = await stage.start({ SERVICE_ROLE: 'worker' });
    await becomes(stage, id, 'completed');
  });
  await other?.terminate();
  return seconds;
}

async function takeOverMail(stage: Stage): Promise<number> {
  const victim = await stage.start({ SERVICE_ROLE: 'worker', FAILPOINT: 'mail-sending:1' });
  const id = await place(stage);
  await victim.ended;
  const other = await stage.start({ SERVICE_ROLE: 'worker' });
  const seconds = await secondsOf(() =>
    eventually(() => stage.smtp.about(`order-${id}-1`).length > 0, 'the mail is out', PATIENCE),
  );
  await other.terminate();
  return seconds;
}

async function deliverAfterOutage(stage: Stage): Promise<number> {
  const { database, smtp } = stage;
  const failed = async (times: number) =>
    (
      await database.sql(
        `SELECT count(*)::int FROM pgboss.job WHERE name = 'mail' AND state = 'retry' AND retry_count >= $1`,
        [times],
      )
    )[0].count >= ids.length;
  await smtp.stop();
  const worker = await stage.start({ SERVICE_ROLE: 'worker' });
  const ids = await Promise.all(Array.from({ length: 20 }, () => place(stage)));
  await eventually(() => failed(0), 'each mail has failed', PATIENCE);
  await database.sql(`UPDATE pgboss.job SET retry_count = 100, start_after = now() WHERE state = 'retry'`);
  await eventually(() => failed(101), 'each mail has failed once more', PATIENCE);
  await smtp.start();
  const out = () => ids.every((id) => smtp.about(`order-${id}-1`).length > 0);
  const seconds = await secondsOf(() => eventually(out, 'all mails are out', PATIENCE));
  await worker.terminate();
  return seconds;
}

async function answerAtLock({ admin, product, database }: Stage): Promise<number> {
  const lock = await holdLock(database.judgesUrl, `SELECT FROM products WHERE id = ${product} FOR UPDATE`);
  const seconds = await secondsOf(() => admin.patch(`products/${product}`, { name: 'Lamp' }));
  await lock.release();
  return seconds;
}

async function answerInSilence({ admin, database: { network } }: Stage): Promise<number> {
  network.silent = true;
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: 50 }, () => admin.get('orders'))));
  network.silent = false;
  network.cut();
  return seconds;
}

async function serveAfterRestart(stage: Stage): Promise<number> {
  await stage.database.restart('immediate', 0);
  return secondsOf(() => eventually(() => place(stage), 'an order is placed', PATIENCE));
}

async function endWorker(stage: Stage): Promise<number> {
  const worker = await stage.start({ SERVICE_ROLE: 'worker', PROCESSING_DURATION_MS: '30000' });
  await becomes(stage, await place(stage), 'processing');
  return secondsOf(() => worker.terminate());
}

async function endApi(stage: Stage): Promise<number> {
  const api = await stage.start({ SERVICE_ROLE: 'api' });
  const buyer = stage.admin.at(api.origin);
  const buying = Array.from({ length: 8 }, async () => {
    for (;;) await place({ ...stage, admin: buyer });
  });
  // Each of them ends with the port.
  const over = Promise.allSettled(buying);
  const seconds = await secondsOf(() => api.terminate());
  await over;
  return seconds;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
