import { randomUUID } from 'node:crypto';
import { hash } from '@node-rs/bcrypt';
import { createApp } from '../../../src/app.setup';
import { PASSWORD, startApp, type TestApp, testConfig } from '../../support/app';
import { patiently } from '../../support/client';
import { cloneTemplate } from '../../support/database';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const register = (password: string, service = app) =>
  service.anonymous.post('auth/register', {
    name: 'Jürgen Schmidt',
    email: `${randomUUID()}@example.com`,
    username: `jschmidt-${randomUUID().slice(0, 8)}`,
    password,
  });

describe('every policy', () => {
  it.each([
    ['sunshine', 'is one of the most common'],
    ['PassW0rd', 'is one of the most common'],
    ['ｐａｓｓｗｏｒｄ', 'is one of the most common'],
    ['jürgen schmidt', 'must not be your own'],
    ['ju\u0308rgen schmidt', 'must not be your own'],
    ['e\u0301e\u0301e\u0301e\u0301', 'must have 8 to 128'],
    ['ﷺ'.repeat(8), 'must have 8 to 128'],
    ['short', 'must have 8 to 128'],
    ['x'.repeat(129), 'must have 8 to 128'],
  ])('refuses %s', async (password, message) => {
    const { status, body } = await register(password);
    expect([status, body.errors[0].field, body.errors[0].message]).toEqual([
      400,
      'password',
      expect.stringContaining(message),
    ]);
  });

  it('refuses the own e-mail, what stands before its @, and the username', async () => {
    const [local, username] = [randomUUID(), `user.${randomUUID()}`];
    for (const password of [`${local}@EXAMPLE.com`, local, username.toUpperCase()]) {
      const person = { name: 'Ann', email: `${local}@example.com`, username, password };
      expect((await app.anonymous.post('auth/register', person)).body.errors[0].message).toContain(
        'must not be your own',
      );
    }
  });

  it.each(['nothing but words', 'x'.repeat(128), 'пароль из слов', '🦊🦊🦊🦊🦊🦊🦊🦊'])(
    'takes %s',
    async (password) => {
      expect((await register(password)).status).toBe(201);
    },
  );

  it('no part of a long password is cut off', async () => {
    const { body } = await register(`${'x'.repeat(127)}a`);
    const login = (password: string) => app.anonymous.post('auth/login', { email: body.email, password });
    expect((await login(`${'x'.repeat(127)}a`)).status).toBe(200);
    expect((await login(`${'x'.repeat(127)}b`)).status).toBe(401);
  });

  it('the same password typed on another keyboard logs in', async () => {
    const { body } = await register('ju\u0308rgens ﬁsch');
    expect((await app.anonymous.post('auth/login', { email: body.email, password: 'jürgens fisch' })).status).toBe(200);
  });
});

describe('PASSWORD_POLICY=complex', () => {
  let strict: TestApp;
  beforeAll(async () => {
    strict = await startApp({ PASSWORD_POLICY: 'complex', ADMIN_PASSWORD: 'Admin-password-1' });
  });
  afterAll(() => strict.close());

  it.each(['lower-case 1', 'UPPER-CASE 1', 'No-Digit-Here', 'NoSpecial1'])('refuses %s', async (password) => {
    const { status, body } = await register(password, strict);
    expect([status, body.errors[0].message]).toEqual([400, expect.stringContaining('an upper-case letter')]);
  });

  it.each(['Secure!Pass123', 'Ünï côdé 7'])('takes %s', async (password) => {
    expect((await register(password, strict)).status).toBe(201);
  });

  it('holds for a changed password too', async () => {
    const person = await register('Secure!Pass123', strict);
    const { body } = await strict.anonymous.post('auth/login', {
      email: person.body.email,
      password: 'Secure!Pass123',
    });
    const { status } = await strict.anonymous
      .with({ authorization: `Bearer ${body.access_token}` })
      .post('auth/password', { current_password: 'Secure!Pass123', new_password: PASSWORD });
    expect(status).toBe(400);
  });
});

describe('hashes of the earlier systems', () => {
  it.each(['2a', '2b', '2y'])('$%s$ verifies, and is replaced at the login', async (version) => {
    const user = await app.newUser();
    const bcrypt = `$${version}${(await hash('an older password', 4)).slice(3)}`;
    await app.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, bcrypt]);
    const login = (password: string) => app.anonymous.post('auth/login', { email: user.email, password });
    const stored = async () =>
      (await app.sql('SELECT password_hash FROM users WHERE id = $1', [user.id]))[0].password_hash;

    expect((await login(PASSWORD)).body.code).toBe('INVALID_CREDENTIALS');
    expect(await stored()).toBe(bcrypt);
    expect((await login('an older password')).status).toBe(200);
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await login('an older password')).status).toBe(200);
    expect((await login(PASSWORD)).status).toBe(401);
    expect((await user.get('auth/me')).status).toBe(200);
  });
});

it('a flood of logins is sent away instead of waiting for ever', async () => {
  const login = { email: 'nobody@example.com', password: PASSWORD };
  // Several times what may wait, because passwords are checked while the flood still comes in.
  const flood = 400;
  const answers = await Promise.all(Array.from({ length: flood }, () => app.anonymous.post('auth/login', login)));
  const refused = answers.filter(({ status }) => status === 503);
  // On a slow machine some reach the deadline of every request instead.
  expect(refused.filter(({ body }) => body.detail.startsWith('Too many passwords')).length).toBeGreaterThan(0);
  for (const { body, headers } of refused) {
    expect([body.code, headers.get('retry-after')]).toEqual(['UNAVAILABLE', '1']);
  }
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(flood - refused.length);
  const again = () => app.anonymous.post('auth/login', login);
  expect((await patiently(again, (time) => time < 30)).status).toBe(401);
});

it('an admin password that is too easy ends the start with the name of the variable', async () => {
  const database = await cloneTemplate();
  const nest = await createApp(testConfig(database.url, { ADMIN_PASSWORD: 'sunshine' }));
  await expect(nest.init()).rejects.toThrow(/^ADMIN_PASSWORD is too easy/);
  await nest.close();
  await database.drop();
});
