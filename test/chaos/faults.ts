import { setTimeout } from 'node:timers/promises';
import { connected } from '../support/database';
import type { Customers } from './customers';
import type { ChaosDatabase } from './database';
import type { Journal } from './journal';
import type { Fault, Step } from './plan';
import type { Slot } from './slot';

/** What faults are done to. */
export interface Stage {
  database: ChaosDatabase;
  apis: Slot[];
  workers: Slot[];
  customers: Customers;
  journal: Journal;
}

/** Orders that are being placed at a process when it goes. */
const IN_FLIGHT = 30;

/** Milliseconds: longer than a worker's lease of 45 s and the five until somebody looks for such leases. */
const STALL = 60_000;
/** Milliseconds that the database is away, and that its network is slow or silent. */
const AWAY = 10_000;
const SLOW = { delay: 200, for: 4_000 };
const SILENT = 6_000;
/** Milliseconds that the service is led to a standby which is not promoted yet. */
const READ_ONLY = 3_000;
/** Milliseconds that products are locked: an order that is settled meanwhile meets it at two attempts. */
const LOCKED = 15_000;
/** Milliseconds by which a wall clock is wrong, and for how long. */
const CLOCK = { offset: 3_600_000, for: 20_000 };

/** Does what this step of the plan says to this process. What goes on for longer is left running. */
export async function inject(stage: Stage, { fault, chance, failpoint }: Step, slot: Slot): Promise<void> {
  stage.journal.count(fault);
  await INJECT[fault](stage, slot, chance, failpoint);
}

/** Whom the step strikes: a process that serves, while another one of its kind does. Something must go on that can go wrong. */
export function victimOf({ apis, workers }: Stage, { fault, target }: Step): Slot | undefined {
  const up = (fault.startsWith('API') ? apis : workers).filter((slot) => slot.up);
  return up.length > 1 ? up[target % up.length] : undefined;
}

const INJECT: Record<Fault, (stage: Stage, slot: Slot, chance: number, failpoint: string) => Promise<void>> = {
  'worker killed': (_, slot) => slot.kill(),
  async 'API killed'({ customers }, slot, chance) {
    customers.burst(IN_FLIGHT, slot);
    await setTimeout(chance * 60);
    await slot.kill();
  },
  async 'worker replaced'(_, slot, _chance, failpoint) {
    await slot.terminate();
    void slot.start(failpoint);
  },
  async 'API replaced'({ customers }, slot, chance, failpoint) {
    customers.burst(IN_FLIGHT, slot);
    await setTimeout(20 + chance * 40);
    await slot.terminate();
    void slot.start(failpoint);
  },
  async 'worker stalled'(_, slot) {
    void slot.stall(STALL);
  },
  'connections ended': ({ database, journal }, _, chance) => journal.during(endConnections(database, chance)),
  'database restarted': ({ database, journal }) => journal.during(database.restart('fast', 0)),
  'database crashed': ({ database, journal }) => journal.during(database.restart('immediate', 0)),
  'database away': ({ database, journal }) => journal.during(database.restart('fast', AWAY)),
  'database slow': ({ database, journal }) =>
    journal.during(
      withNetwork(database, SLOW.for, (network) => {
        network.delay = SLOW.delay;
      }),
    ),
  'database silent': ({ database, journal }) =>
    journal.during(
      withNetwork(database, SILENT, (network) => {
        network.silent = true;
      }),
    ),
  'database failed over': (stage) => stage.journal.during(failOver(stage)),
  async 'rows locked'(stage, _, chance) {
    void lockProducts(stage, chance);
  },
  async 'timers in the future'({ database }) {
    await database.sql(`UPDATE timers SET last_run_at = now() + interval '1 hour'`);
  },
  'API clock jumps': jump,
  'worker clock jumps': jump,
};

/** Sets the wall clock of a process forward or back, and right again later. */
async function jump(_: Stage, slot: Slot, chance: number): Promise<void> {
  void slot.setClock(chance < 0.5 ? CLOCK.offset : -CLOCK.offset, CLOCK.for);
}

/** For a while nothing can be written: then every process must say that it is not ready. */
async function failOver({ database, apis, workers, journal }: Stage): Promise<void> {
  await database.failOver(async () => {
    await setTimeout(READ_ONLY);
    for (const slot of [...apis, ...workers].filter(({ up }) => up)) {
      const answer = await fetch(`${slot.origin}/health/ready`).catch(() => undefined);
      if (answer?.ok) journal.fail(`${slot.name} is ready with a read-only database`);
    }
  });
}

/** Holds locks on half of the products for longer than any statement waits. Ends early with the database. */
async function lockProducts({ database }: Stage, chance: number): Promise<void> {
  await connected(database.judgesUrl, async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT FROM products WHERE id % 2 = $1 ORDER BY id FOR UPDATE', [chance < 0.5 ? 0 : 1]);
    await setTimeout(LOCKED);
  }).catch(() => {});
}

/** A share of the connections, whatever they are doing: idle, in a transaction, waiting for a lock. */
async function endConnections(database: ChaosDatabase, share: number): Promise<void> {
  await database.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name IN ('orders', 'orders-queue') AND random() < $1`,
    [share],
  );
}

/** Mends the network by cutting what was open: bytes that were swallowed would be missed for ever. */
async function withNetwork(
  { network }: ChaosDatabase,
  milliseconds: number,
  change: (to: ChaosDatabase['network']) => void,
): Promise<void> {
  change(network);
  await setTimeout(milliseconds);
  const swallowed = network.silent;
  Object.assign(network, { delay: 0, silent: false });
  if (swallowed) network.cut();
}
