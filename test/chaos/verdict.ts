import type { Wish } from './customers';
import type { Mishap } from './journal';

/** A mail that the mail server has taken: which, when, and from which process. */
export interface SentMail {
  id: string;
  at: number;
  process: string;
}

export interface FoundOrder {
  id: number;
  key: string;
  status: string;
  /** The request that it was placed by. */
  request: string;
}

/** All that is known when a run is over. */
export interface Evidence {
  wishes: Wish[];
  orders: FoundOrder[];
  /** The message ids of the mails that the history asks for. */
  due: string[];
  sent: SentMail[];
  mishaps: Mishap[];
  /** The orders that the gateway has answered with success. */
  fulfilled: Set<number>;
  /** Answers with a status of 500 or more other than 503. */
  serverErrors: string[];
  /** What was wrong beyond that, as lines to read. */
  failures: string[];
}

export interface Verdict {
  counts: Record<
    'placed' | 'refused' | 'unknown' | 'lost' | 'doubled' | 'stuck' | 'mailsDue' | 'mailsSent' | 'mailsMissing',
    number
  > &
    Record<'mailsDoubled' | 'mailsDoubledUnexplained' | 'cutOff' | 'wronglyFailed' | 'serverErrors', number>;
  /** Everything that must not be; empty when all promises were kept. */
  violations: string[];
}

const TERMINAL = new Set(['completed', 'failed', 'cancelled']);

/**
 * Milliseconds after a mail was taken within which that is noted, if nothing comes between. Mails that are sent together
 * are noted together, and the slowest of them may wait 5 s for the database and 10 s for the mail server.
 */
const UNTIL_MARKED = 15_000;

/** Milliseconds after which a process has noticed that the other end of a connection is gone: a busy one reads of it late. */
const UNTIL_NOTICED = 1_000;

/** Holds what customers and mail server saw against what the database says. */
export function judge(evidence: Evidence): Verdict {
  const { wishes, orders, due, sent, fulfilled, serverErrors } = evidence;
  const found = Map.groupBy(orders, ({ key }) => key);
  const of = (outcome: Wish['outcome']) => wishes.filter((wish) => wish.outcome === outcome);
  const lost = of('acknowledged').filter(({ key, ids }) => ![...ids].every((id) => has(found.get(key), id)));
  const doubled = wishes.filter(({ key }) => (found.get(key)?.length ?? 0) > 1);
  const leftBehind = of('refused').filter(({ key }) => found.has(key));
  const stuck = orders.filter(({ status }) => !TERMINAL.has(status));
  const forgotten = wishes.filter(({ key, cancelled }) => cancelled && found.get(key)?.[0]?.status !== 'cancelled');
  const failing = new Map(wishes.map((wish) => [wish.key, wish.failing]));
  const failed = orders.filter(({ status }) => status === 'failed');
  const wronglyFailed = failed.filter(({ id }) => fulfilled.has(id));
  const cutOff = failed.filter(({ id, key }) => !failing.get(key) && !fulfilled.has(id));
  const wrong = orders.filter(({ key, status }) => status === 'completed' && failing.get(key));
  const dropped = new Set(wishes.flatMap((wish) => wish.dropped));
  const cutOffByDrain = orders.filter(({ request }) => dropped.has(request));
  const mails = judgeMails(evidence);
  const named: [string, unknown[]][] = [
    ['lost', lost.map(({ key }) => key)],
    ['doubled', doubled.map(({ key }) => key)],
    ['refused, but there', leftBehind.map(({ key }) => key)],
    ['never answered', of('unknown').map(({ key }) => key)],
    ['stuck', stuck],
    ['failed, but fulfilled', wronglyFailed],
    ['answered with a server error', serverErrors],
    ['cancelled, but not for long', forgotten.map(({ key }) => key)],
    ['completed, but told to fail', wrong],
    ['placed, but not answered after SIGTERM', cutOffByDrain],
    ['mails missing', mails.missing],
    ['mails about nothing', mails.baseless],
    ['mails sent twice without a cause', mails.unexplained],
  ];
  return {
    counts: {
      placed: of('acknowledged').length,
      refused: of('refused').length,
      unknown: of('unknown').length,
      lost: lost.length,
      doubled: doubled.length,
      stuck: stuck.length,
      wronglyFailed: wronglyFailed.length,
      serverErrors: serverErrors.length,
      cutOff: cutOff.length,
      mailsDue: due.length,
      mailsSent: sent.length,
      mailsMissing: mails.missing.length,
      mailsDoubled: mails.doubled,
      mailsDoubledUnexplained: mails.unexplained.length,
    },
    violations: [
      ...named.filter(([, all]) => all.length > 0).map(([what, all]) => `${what}: ${all.length} ${first(all)}`),
      ...evidence.failures,
    ],
  };
}

/** A mail may come twice only when its sender, or the queue under it, was cut off before it could mark the first one. */
function judgeMails({ due, sent, mishaps }: Evidence) {
  const copies = Map.groupBy(sent, ({ id }) => id);
  const wanted = new Set(due);
  const excused = ({ at, process }: SentMail) =>
    mishaps.some(
      ({ process: victim = process, from, to }) =>
        victim === process && at >= from - UNTIL_MARKED && at <= to + UNTIL_NOTICED,
    );
  return {
    missing: due.filter((id) => !copies.has(id)),
    baseless: [...copies.keys()].filter((id) => !wanted.has(id)),
    doubled: sent.length - copies.size,
    unexplained: [...copies.values()]
      .filter((all) => !all.slice(0, -1).every(excused))
      .map((all) => ({ copies: all, ...nearest(all[0] as SentMail, mishaps) })),
  };
}

/** Milliseconds since and until the things next to this that could have excused a second copy. */
function nearest({ at, process }: SentMail, mishaps: Mishap[]) {
  const mine = mishaps.filter((mishap) => (mishap.process ?? process) === process);
  const since = mine.map(({ to }) => at - to).filter((ms) => ms > 0);
  const until = mine.map(({ from }) => from - at).filter((ms) => ms > 0);
  return { sinceTrouble: Math.min(...since), untilTrouble: Math.min(...until) };
}

const has = (orders: FoundOrder[] | undefined, id: number) => !!orders?.some((order) => order.id === id);
const first = (all: unknown[]) => JSON.stringify(all.slice(0, 5));
