import { setTimeout } from 'node:timers/promises';
import { connected } from '../support/database';
import { eventually } from '../support/eventually';
import { brokenInvariants } from '../support/invariants';
import { giveBackJobs } from '../support/jobs';
import { Customers } from './customers';
import { ChaosDatabase } from './database';
import { inject, type Stage, victimOf } from './faults';
import { ChaosGateway } from './gateway';
import { Journal } from './journal';
import { Mailbox } from './mailbox';
import { planOf, type Size } from './plan';
import { Slot } from './slot';
import { judge, type Verdict } from './verdict';

const APIS = 2;
const WORKERS = 3;

/** Seconds for everything to be through after the last fault: many times what leases and heartbeats of the dead take. */
const PATIENCE = 420;

export interface Result extends Verdict {
  faults: Record<string, number>;
  /** The longest that a client waited for an answer, in milliseconds. */
  slowest: number;
  /** Requests that clients gave up waiting for, and sent again later. */
  givenUp: number;
  lateResults: number;
  /** The longest that a process took to end after SIGTERM, in milliseconds. */
  slowestDrain: number;
}

export interface Options {
  /** Gets a line now and then. */
  progress?: (line: string) => void;
  /** Ends the trouble before the plan is through. */
  stop?: AbortSignal;
  /** Takes what dead workers held from them at once, instead of waiting for their leases to run out. */
  hurry?: boolean;
}

/** Puts the build in this folder through a plan of faults, lets it come to rest and judges what is left. */
export async function runChaos(
  build: string,
  size: Size,
  { progress, stop, hurry = false }: Options = {},
): Promise<Result> {
  const database = await ChaosDatabase.start({ withStandby: !!size.faults['database failed over'] });
  const gateway = await ChaosGateway.start();
  const mailbox = new Mailbox();
  const journal = new Journal();
  const settings = {
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: '8',
    SMTP_URL: await mailbox.open(),
    DOCS_ENABLED: 'false',
    ...gateway.settings,
    PROCESSING_MAX_ATTEMPTS: '2',
    ACCESS_TOKEN_EXPIRE_MINUTES: '1440',
  };
  const slots = (role: 'api' | 'worker', count: number) =>
    Array.from({ length: count }, (_, index) => new Slot(role, index + 1, build, settings, journal));
  const apis = slots('api', APIS);
  const workers = slots('worker', WORKERS);
  const stage = { database, apis, workers, customers: new Customers(size.seed, apis, journal), journal };
  const reporting = new AbortController();
  try {
    await Promise.all([...apis, ...workers].map((slot) => slot.start()));
    await stage.customers.arrive();
    if (progress) void report(stage, mailbox, progress, reporting.signal);
    await trouble(stage, size, stop);
    await rest(stage, hurry);
    await end(stage);
    const { slowest, givenUp } = stage.customers;
    const { faults, lateResults, slowestDrain } = journal;
    return { ...(await verdictOn(stage, mailbox, gateway)), faults, lateResults, slowestDrain, slowest, givenUp };
  } finally {
    reporting.abort();
    await Promise.all([...apis, ...workers].map((slot) => slot.remove()));
    await mailbox.close();
    await gateway.close();
    await database.stop();
  }
}

/** The faults of the plan, while customers order; those whose victim is just starting give way to the next ones. */
async function trouble(stage: Stage, size: Size, stop: AbortSignal | undefined): Promise<void> {
  const closing = new AbortController();
  const ordering = stage.customers.order(size.ordersPerSecond, closing.signal);
  const plan = planOf(size);
  let due = Date.now();
  while (plan.length > 0 && !stop?.aborted) {
    const index = plan.findIndex((step) => victimOf(stage, step));
    const [step] = index < 0 || Date.now() < due ? [] : plan.splice(index, 1);
    if (step) {
      due += step.after;
      await inject(stage, step, victimOf(stage, step) as Slot);
    } else await setTimeout(20);
  }
  closing.abort();
  await ordering;
}

/** Every customer has an answer, every process is up, and everything that follows from the orders is done. */
async function rest(stage: Stage, hurry: boolean): Promise<void> {
  const { apis, workers, customers, database } = stage;
  const slots = [...apis, ...workers];
  await customers.leave();
  await eventually(() => slots.every(({ up }) => up), 'every process is up', PATIENCE);
  if (hurry) await takeFromTheDead(stage);
  const deadline = Date.now() + PATIENCE * 1000;
  while (!(await database.sql(QUIET))[0].quiet && Date.now() < deadline) await setTimeout(500);
}

/** Running workers finish or give back their orders first: what is held after that belongs to killed ones. */
async function takeFromTheDead({ workers, database }: Stage): Promise<void> {
  await Promise.all(workers.map((worker) => worker.terminate()));
  await database.sql('UPDATE orders SET lease_until = now() WHERE lease_until IS NOT NULL');
  await giveBackJobs(database.judgesUrl);
  await Promise.all(workers.map((worker) => worker.start()));
}

const QUIET = `SELECT
  NOT EXISTS (SELECT FROM orders WHERE status IN ('pending', 'paid', 'processing')) AND
  NOT EXISTS (SELECT FROM outbox) AND
  NOT EXISTS (SELECT FROM pgboss.job WHERE name = 'mail' AND state < 'completed') AS quiet`;

/** Nothing may be held any more; then every process must end as it should. */
async function end({ apis, workers, database, journal }: Stage): Promise<void> {
  for (const { held } of await database.sql(HELD)) journal.fail(`N10 is still held: ${held}`);
  await Promise.all([...apis, ...workers].map((slot) => slot.terminate()));
}

const HELD = `
SELECT 'the lease of order ' || id AS held FROM orders WHERE lease_until IS NOT NULL
UNION ALL
SELECT 'a session ' || state || ' for ' || (now() - state_change) || ': ' || query FROM pg_stat_activity
WHERE application_name IN ('orders', 'orders-queue') AND state <> 'idle' AND state_change < now() - interval '3 seconds'
UNION ALL
SELECT 'an advisory lock since ' || a.state_change || ': ' || a.query FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND a.state_change < now() - interval '3 seconds'`;

async function verdictOn(
  { database, customers, journal }: Stage,
  mailbox: Mailbox,
  { fulfilled }: ChaosGateway,
): Promise<Verdict> {
  const orders = await database.sql(
    `SELECT id, metadata ->> 'key' AS key, status, request_id AS request
     FROM orders o JOIN order_history h ON h.order_id = o.id AND h.version = 1`,
  );
  const history = await database.sql(`SELECT 'order-' || order_id || '-' || version AS id FROM order_history`);
  const broken = await connected(database.judgesUrl, brokenInvariants);
  return judge({
    wishes: customers.wishes,
    orders,
    due: history.map(({ id }) => id),
    sent: mailbox.collect(),
    fulfilled,
    serverErrors: customers.serverErrors,
    mishaps: journal.mishaps,
    failures: [...journal.failures, ...broken],
  });
}

/** A line every ten seconds. */
async function report(stage: Stage, mailbox: Mailbox, print: (line: string) => void, end: AbortSignal): Promise<void> {
  const began = Date.now();
  while (!end.aborted) {
    await setTimeout(10_000, undefined, { signal: end }).catch(() => {});
    const { customers, journal } = stage;
    const faults = Object.values(journal.faults).reduce((sum, count) => sum + count, 0);
    const [failure = ''] = journal.failures.slice(-1);
    print(
      `${Math.round((Date.now() - began) / 1000)} s: ${faults} faults, ${customers.wishes.length} orders asked for, ` +
        `${customers.waiting} waiting, ${mailbox.collect().length} mails, ${journal.failures.length} failures ${failure.slice(0, 200)}`,
    );
  }
}
