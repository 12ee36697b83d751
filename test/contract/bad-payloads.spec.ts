import fc from 'fast-check';
import { type ApiRequest, sendAndJudge } from '../support/api-request';
import { mutationsOf } from '../support/bad-requests';
import type { DocumentedOperation } from '../support/contract';
import { type PopulatedApp, startPopulatedApp } from '../support/populated-app';
import { SEED } from '../support/seed';
import { sized } from '../support/size';
import type { ValidRequests } from '../support/valid-requests';

let populated: PopulatedApp;
beforeAll(async () => {
  populated = await startPopulatedApp();
});
afterAll(() => populated.app.close());

/**
 * Valid requests, each with one payload in the place of one field or parameter: outside CI only every twentieth, as the seed
 * says, and each that has a field which nobody documented.
 */
function requestsOf(operation: DocumentedOperation, valid: ValidRequests): ApiRequest[] {
  // PasswordHasher take long to hash.
  const step = /auth\/|POST .*\/users/.test(operation.name) ? sized(5, 100) : sized(1, 20);
  const mutations = mutationsOf(populated.contract, operation).filter(
    ({ name }, index) => (index + SEED) % step === 0 || /^(.+\.)?unknown=/.test(name),
  );
  const bases = fc.sample(valid.of(operation), { numRuns: mutations.length, seed: SEED });
  return mutations.map((mutation, index) => mutation.apply(bases[index] as ApiRequest));
}

async function failuresOf(operation: DocumentedOperation): Promise<string[]> {
  const failures: string[] = [];
  let { people, valid } = await populated.newPeople();
  for (const request of requestsOf(operation, valid)) {
    try {
      const { status } = await sendAndJudge(populated.contract, request, people.admin);
      // Whoever has logged out everywhere, or has a new password, gets no further.
      const isOut = status === 401 && (await people.admin.client.get('auth/me')).status === 401;
      if (isOut) ({ people } = await populated.newPeople());
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  return failures;
}

it(`each payload in each field and parameter is answered as documented (SEED=${SEED})`, async () => {
  const failures = await populated.forEachOperation(failuresOf);
  expect(failures.slice(0, 20).join('\n\n')).toBe('');
}, 900_000);
