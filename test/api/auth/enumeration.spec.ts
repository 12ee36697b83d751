import { hash } from '@node-rs/bcrypt';
import { PASSWORD, startApp, type TestApp } from '../../support/app';
import type { Answer } from '../../support/client';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** Who tries to log in, by e-mail and password: somebody unknown, with a wrong password, and deactivated. */
async function strangers(): Promise<[string, string][]> {
  const [user, gone] = [await app.newUser(), await app.newUser()];
  await app.admin.patch(`users/${gone.id}`, { active: false });
  return [
    ['nobody@example.com', PASSWORD],
    [user.email, 'a wrong password'],
    [gone.email, PASSWORD],
  ];
}

const logIn = (email: string, password: string) => app.anonymous.post('auth/login', { email, password });
const grant = (username: string, password: string) =>
  app.anonymous.post('auth/token', new URLSearchParams({ grant_type: 'password', username, password }));

/** Everything of an answer that does not differ by chance or clock. */
const told = ({ status, headers, body: { request_id, ...body } }: Answer) => ({
  status,
  body,
  headers: [...headers].filter(([name]) => !/^(x-request-id|date|ratelimit)/.test(name)),
});

it.each([
  ['login', logIn],
  ['the password grant', grant],
])('%s gives the same answer to an unknown user, a wrong password and a deactivated account', async (_, attempt) => {
  const answers: object[] = [];
  for (const [login, password] of await strangers()) answers.push(told(await attempt(login, password)));
  expect(answers[0]).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } });
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});

it('and takes the same time, whatever kind of hash an account has', async () => {
  const tried = [...(await strangers()), await withBcrypt(10), await withBcrypt(8)];
  const times: number[][] = tried.map(() => []);
  // In turn, so that whatever else the machine does falls on all of them; the median forgets what falls on one.
  for (let round = 0; round < 15; round++) {
    for (const [index, [email, password]] of tried.entries()) {
      const started = performance.now();
      await logIn(email, password);
      times[index]?.push(performance.now() - started);
    }
  }
  const medians = times.map((all) => all.sort((a, b) => a - b)[7] as number);
  // Hashing is nine tenths of it: without a hash to check against, one would be far below half of another.
  expect(Math.min(...medians) / Math.max(...medians)).toBeGreaterThan(0.6);
});

it('slow hashes do not hold up those who log in with the right password', async () => {
  const user = await app.newUser();
  const [slow] = await withBcrypt(10);
  const done: string[] = [];
  const attempt = async (email: string, password: string, name: string) => {
    const { status } = await logIn(email, password);
    done.push(`${name} ${status}`);
  };
  const slowOnes = Array.from({ length: 6 }, () => attempt(slow, 'a wrong password', 'slow'));
  await Promise.race(slowOnes);
  // Five slow ones wait for their turns now.
  await Promise.all([...slowOnes, attempt(user.email, PASSWORD, 'quick')]);
  expect(done).toContain('quick 200');
  expect(done.at(-1)).not.toBe('quick 200');
});

/** The e-mail of an account whose hash an earlier system made at this cost, and a wrong password. */
async function withBcrypt(cost: number): Promise<[string, string]> {
  const { id, email } = await app.newUser();
  await app.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [id, await hash('an older password', cost)]);
  return [email, 'a wrong password'];
}
