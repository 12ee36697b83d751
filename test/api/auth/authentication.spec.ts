import { createHmac } from 'node:crypto';
import { listen, logIn, PASSWORD, startApp, type TestApp, testConfig } from '../../support/app';
import { Client } from '../../support/client';
import { eventually } from '../../support/eventually';

const SECRET_KEY = 'a-signing-key-for-tests-of-32-bytes';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ SECRET_KEY });
});
afterAll(() => app.close());

/** A token as the service issues them; no two are the same. */
function tokenOf(id: number, seconds = 900): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    ...{ sub: String(id), jti: crypto.randomUUID(), token_use: 'access', token_version: 1 },
    ...{ iss: 'order-management-service', aud: 'order-management-api', exp: Math.floor(Date.now() / 1000) + seconds },
  };
  const input = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', SECRET_KEY).update(input).digest('base64url')}`;
}

it('200 interleaved requests of two users and a client are each answered for their sender', async () => {
  const [ann, ben, warehouse] = [await app.newUser(), await app.newUser(), await app.newService()];
  const ask = async (n: number) => {
    if (n % 3 === 2) return (await warehouse.get('auth/me')).body.detail;
    // A token of its own for each request: passport sees a token once.
    const { id } = n % 3 ? ben : ann;
    return (await app.anonymous.with({ authorization: `Bearer ${tokenOf(id)}` }).get('auth/me')).body.id;
  };
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => ask(n)));
  const expected = [ann.id, ben.id, 'Your role (service) may not do this.'];
  expect(answers).toEqual(answers.map((_, n) => expected[n % 3]));
});

it('two applications in one process keep their own authentication', async () => {
  const ann = await app.newUser();
  const second = await listen(testConfig(app.databaseUrl, { SECRET_KEY: 'the-signing-key-of-the-second-one' }));
  try {
    const there = await logIn(new Client(second.origin), { email: ann.email, password: PASSWORD });
    expect([(await there.get('auth/me')).status, (await there.at(app.origin).get('auth/me')).status]).toEqual([
      200, 401,
    ]);
    expect([(await ann.get('auth/me')).status, (await ann.at(second.origin).get('auth/me')).status]).toEqual([
      200, 401,
    ]);
  } finally {
    await second.nest.close();
  }
});

it('a token that was used before is refused once it has expired', async () => {
  const ann = await app.newUser();
  const bearer = app.anonymous.with({ authorization: `Bearer ${tokenOf(ann.id, 3)}` });
  expect((await bearer.get('auth/me')).status).toBe(200);
  await eventually(async () => (await bearer.get('auth/me')).status === 401, 'the token is refused');
});

it('a header without a token is read in no time, however long it is', async () => {
  const spent = async (authorization: string) => {
    const before = process.cpuUsage();
    await app.anonymous.with({ authorization }).get('auth/me');
    const { user } = process.cpuUsage(before);
    return user;
  };
  const shortest = async (authorization: string) =>
    Math.min(...[await spent(authorization), await spent(authorization), await spent(authorization)]);
  await spent('Bearer x');
  // A pattern that backtracks takes 0.1 s.
  expect(await shortest('x'.repeat(15_000))).toBeLessThan(20 * (await shortest('x')));
});
