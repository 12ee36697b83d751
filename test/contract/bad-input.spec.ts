import fc from 'fast-check';
import { type Sender, sendAndJudge } from '../support/api-request';
import { mutationsOf } from '../support/bad-requests';
import type { DocumentedOperation } from '../support/contract';
import { type PopulatedApp, startPopulatedApp } from '../support/populated-app';
import { SEED } from '../support/seed';
import { sized } from '../support/size';

/** Requests in all, at least. */
const REQUESTS = sized(10_000, 2_000);

/** Hash passwords, or ask the database a lot: fewer of them do. */
const SLOW = /auth\/(?!sessions)|POST .*\/users|processing|health/;

/** Nothing but a mail has the token that it needs. */
const OUT_OF_REACH = ['POST /api/v1/auth/reset-password', 'POST /api/v1/auth/confirm-email'];

/** Admins get furthest, so they send the most. */
const SENDERS: Sender['label'][] = ['admin', 'admin', 'admin', 'admin', 'user', 'service', 'nobody'];

let populated: PopulatedApp;
beforeAll(async () => {
  populated = await startPopulatedApp();
});
afterAll(() => populated.app.close());

const sent = { good: 0, bad: 0 };
const reached = new Set<string>();

/** Of many requests for this operation, the simplest that is not answered as documented. */
async function failureOf(operation: DocumentedOperation): Promise<string[]> {
  const { contract, newPeople } = populated;
  const { people, valid } = await newPeople();
  const mutations = mutationsOf(contract, operation);
  const mutation = fc.option(fc.constantFrom(...mutations), { freq: 2 });
  const request = fc.record({ request: valid.of(operation), mutation, label: fc.constantFrom(...SENDERS) });
  const result = await fc.check(
    fc.asyncProperty(request, async ({ request, mutation, label }) => {
      const { status } = await sendAndJudge(contract, mutation?.apply(request) ?? request, people[label]);
      sent[mutation ? 'bad' : 'good']++;
      if (status < 400) reached.add(operation.name);
    }),
    { seed: SEED, numRuns: SLOW.test(operation.name) ? sized(80, 32) : REQUESTS / 25 },
  );
  return result.failed ? [(result.errorInstance as Error).message] : [];
}

it(`${REQUESTS} requests, half of them valid, are answered as documented (SEED=${SEED})`, async () => {
  const failures = await populated.forEachOperation(failureOf);
  expect(failures.join('\n\n')).toBe('');
  expect(sent.good + sent.bad).toBeGreaterThanOrEqual(REQUESTS);
  expect(sent.bad / sent.good).toBeCloseTo(1, 0);
}, 900_000);

it('among them are some that succeed, for each operation', () => {
  const names = populated.contract.operations.map(({ name }) => name);
  expect(names.filter((name) => !reached.has(name) && !OUT_OF_REACH.includes(name))).toEqual([]);
});
