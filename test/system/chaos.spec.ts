import { runChaos } from '../chaos/run';
import { type Evidence, judge } from '../chaos/verdict';
import { BUILD } from '../support/build';
import { SEED } from '../support/seed';
import { sized } from '../support/size';

/** The short form of `npm run chaos`. */
it(`loses, doubles and forgets nothing while its processes and its database die (SEED=${SEED})`, async () => {
  const faults = {
    'worker killed': sized(30, 4),
    'API killed': sized(20, 2),
    'worker replaced': sized(2, 1),
    'API replaced': 1,
    'connections ended': sized(2, 1),
    'database crashed': 1,
  };
  const size = { seed: SEED, seconds: sized(30, 8), ordersPerSecond: 15, faults };
  const result = await runChaos(BUILD, size, { hurry: true });
  expect(result.violations).toEqual([]);
  expect(result.counts).toMatchObject({
    unknown: 0,
    lost: 0,
    doubled: 0,
    stuck: 0,
    wronglyFailed: 0,
    serverErrors: 0,
    mailsMissing: 0,
  });
  expect(result.faults).toMatchObject({ 'worker killed': expect.any(Number), 'API killed': expect.any(Number) });
  // Each API that is killed has 30 orders in hand, and each order has at least two mails.
  expect(result.counts.placed).toBeGreaterThanOrEqual(30);
  expect(result.counts.mailsDue).toBeGreaterThanOrEqual(2 * result.counts.placed);
}, 600_000);

/** An order that a customer knows of, its two mails, and a worker that died half a second after the first of them. */
function evidence(): Evidence {
  return {
    wishes: [
      { key: 'a', outcome: 'acknowledged', ids: new Set([7]), cancelled: false, failing: false, dropped: ['a-1'] },
      { key: 'b', outcome: 'refused', ids: new Set(), cancelled: false, failing: false, dropped: [] },
    ],
    orders: [{ id: 7, key: 'a', status: 'completed', request: 'a-2' }],
    due: ['order-7-1', 'order-7-2'],
    sent: [
      { id: 'order-7-1', at: 1_000, process: 'worker-1-1' },
      { id: 'order-7-2', at: 9_000, process: 'worker-2-1' },
    ],
    mishaps: [{ process: 'worker-1-1', from: 1_500, to: 1_500 }],
    fulfilled: new Set([7]),
    serverErrors: [],
    failures: [],
  };
}

it('finds nothing wrong with a run in which all went well, a mail being sent again for a worker that died', () => {
  const { sent, ...rest } = evidence();
  const again = { id: 'order-7-1', at: 9_000, process: 'worker-2-1' };
  const verdict = judge({ ...rest, sent: [...sent, again] });
  expect(verdict.violations).toEqual([]);
  expect(verdict.counts).toMatchObject({ placed: 1, refused: 1, mailsDue: 2, mailsSent: 3, mailsDoubled: 1 });
});

const order = evidence().orders[0] as Evidence['orders'][0];
const wish = evidence().wishes[0] as Evidence['wishes'][0];
const [first, second] = evidence().sent as [Evidence['sent'][0], Evidence['sent'][0]];

it.each<[string, Partial<Evidence>]>([
  ['lost: 1', { orders: [] }],
  ['lost: 1', { orders: [{ ...order, id: 8 }] }],
  ['doubled: 1', { orders: [order, { ...order, id: 8 }] }],
  ['lost: 1', { wishes: [{ ...wish, ids: new Set([7, 8]) }] }],
  ['refused, but there: 1', { wishes: [{ ...wish, outcome: 'refused' }] }],
  ['never answered: 1', { wishes: [{ ...wish, outcome: 'unknown' }] }],
  ['stuck: 1', { orders: [{ ...order, status: 'processing' }] }],
  ['failed, but fulfilled: 1', { orders: [{ ...order, status: 'failed' }] }],
  ['answered with a server error: 1', { serverErrors: ['POST /api/v1/orders 500'] }],
  ['cancelled, but not for long: 1', { wishes: [{ ...wish, cancelled: true }] }],
  ['completed, but told to fail: 1', { wishes: [{ ...wish, failing: true }] }],
  ['placed, but not answered after SIGTERM: 1', { orders: [{ ...order, request: 'a-1' }] }],
  ['mails missing: 1', { sent: [second] }],
  ['mails about nothing: 1', { due: ['order-7-1'] }],
  ['mails sent twice without a cause: 1', { sent: [...evidence().sent, second] }],
  ['mails sent twice without a cause: 1', { sent: [...evidence().sent, first], mishaps: [] }],
  ['an invariant', { failures: ['an invariant'] }],
])('says "%s" when %j', (violation, damage) => {
  const { violations } = judge({ ...evidence(), ...damage });
  expect(violations).toEqual([expect.stringMatching(`^${violation}`)]);
});
