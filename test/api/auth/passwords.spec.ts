import { ADMIN, logIn, PASSWORD, startApp, type TestApp } from '../../support/app';
import { runIntoLock } from '../../support/locks';

let app: TestApp;
beforeAll(async () => {
  // Without a relay, so that the events stay where they can be read.
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

const NEW = 'another long password';

describe('changing the password', () => {
  it('takes the new one from then on, ends every session and token, and announces it', async () => {
    const user = await app.newUser();
    const { body } = await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
    expect((await user.post('auth/password', { current_password: PASSWORD, new_password: NEW })).status).toBe(204);

    expect((await user.get('auth/me')).status).toBe(401);
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: body.refresh_token });
    expect((await app.anonymous.post('auth/token', form)).status).toBe(401);
    expect((await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD })).status).toBe(401);
    expect((await (await logIn(app.anonymous, { email: user.email, password: NEW })).get('auth/me')).status).toBe(200);
    expect(await app.sql(`SELECT topic FROM outbox WHERE aggregate_id = $1`, [user.id])).toEqual([
      { topic: 'user.password_changed' },
    ]);
  });

  it('refuses a wrong present password and changes nothing', async () => {
    const user = await app.newUser();
    const { status, body } = await user.post('auth/password', { current_password: NEW, new_password: NEW });
    expect([status, body.errors]).toEqual([
      400,
      [{ field: 'current_password', message: 'is not your present password' }],
    ]);
    expect((await user.get('auth/me')).status).toBe(200);
  });

  it('refuses a new one that is too short or the own name', async () => {
    const user = await app.newUser();
    for (const new_password of ['short', 'Ann Smith', user.email]) {
      const { status, body } = await user.post('auth/password', { current_password: PASSWORD, new_password });
      expect([status, body.errors[0].field]).toEqual([400, 'new_password']);
    }
  });

  it('of two changes at once, one wins', async () => {
    const user = await app.newUser();
    const change = (new_password: string) => () =>
      user.post('auth/password', { current_password: PASSWORD, new_password });
    const answers = await runIntoLock(app.databaseUrl, 'SELECT FROM users FOR UPDATE', [
      change(NEW),
      change('yet another password'),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400]);
  });
});

describe('a forgotten password', () => {
  const forgot = (email: string) => app.anonymous.post('auth/forgot-password', { email });
  const reset = (token: string, new_password = NEW) =>
    app.anonymous.post('auth/reset-password', { token, new_password });
  const canLogIn = async (email: string, password: string) =>
    (await app.anonymous.post('auth/login', { email, password })).status === 200;

  /** What the message to this user would hold: the newest of its kind. */
  const sentTo = async (id: number) => {
    const [row] = await app.sql(
      `SELECT payload->>'token' AS token FROM outbox
       WHERE topic = 'user.password_reset' AND aggregate_id = $1 ORDER BY id DESC LIMIT 1`,
      [id],
    );
    return row?.token as string | undefined;
  };

  async function forgetful() {
    const user = await app.newUser();
    await forgot(user.email);
    return { user, token: (await sentTo(user.id)) as string };
  }

  it('is replaced by the token that is sent to the address, written in any case', async () => {
    const user = await app.newUser();
    const login = await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
    await forgot(user.email.toUpperCase());
    const token = (await sentTo(user.id)) as string;
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await reset(token)).status).toBe(204);

    expect(await canLogIn(user.email, NEW)).toBe(true);
    expect(await canLogIn(user.email, PASSWORD)).toBe(false);
    expect((await user.get('auth/me')).status).toBe(401);
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: login.body.refresh_token });
    expect((await app.anonymous.post('auth/token', form)).status).toBe(401);
    expect(
      await app.sql(`SELECT FROM outbox WHERE topic = 'user.password_changed' AND aggregate_id = $1`, [user.id]),
    ).toHaveLength(1);
  });

  it('an address without an account, or of a deactivated one, gets the same answer after the same writes, and no message', async () => {
    const [user, gone] = [await app.newUser(), await app.newUser()];
    await app.admin.patch(`users/${gone.id}`, { active: false });
    const count = async () => {
      const [row] = await app.sql(
        'SELECT (SELECT count(*) FROM password_resets) AS resets, (SELECT count(*) FROM outbox) AS messages',
      );
      return row as { resets: number; messages: number };
    };
    const answers: object[] = [];
    for (const [email, messages] of [
      [user.email, 1],
      ['nobody@example.com', 0],
      [gone.email, 0],
    ] as const) {
      const before = await count();
      const { status, body, headers } = await forgot(email);
      answers.push({ status, body, headers: [...headers.keys()], length: headers.get('content-length') });
      expect(await count()).toEqual({ resets: before.resets + 1, messages: before.messages + messages });
    }
    expect(answers[0]).toMatchObject({ status: 202, body: '' });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('nobody can have more than five mails an hour sent to an account', async () => {
    const user = await app.newUser();
    await Promise.all(Array.from({ length: 12 }, () => forgot(user.email)));
    const sent = async () =>
      (
        await app.sql(`SELECT count(*) FROM outbox WHERE topic = 'user.password_reset' AND aggregate_id = $1`, [
          user.id,
        ])
      )[0].count;
    expect(await sent()).toBe(5);
    await app.sql("UPDATE password_resets SET expires_at = expires_at - interval '1 hour'");
    await forgot(user.email);
    expect(await sent()).toBe(6);
  });

  it('the token is stored as a hash only', async () => {
    const { token } = await forgetful();
    const [{ rows }] = await app.sql("SELECT string_agg(r::text, ' ') AS rows FROM password_resets r");
    expect(rows).not.toContain(token);
    for (const encoding of ['base64url', 'utf8'] as const)
      expect(rows).not.toContain(Buffer.from(token, encoding).toString('hex'));
  });

  const refused = async (token: string) => (await reset(token)).body.code === 'INVALID_RESET_TOKEN';

  it('a token can be used once, and voids the others', async () => {
    const { user, token } = await forgetful();
    await forgot(user.email);
    const second = (await sentTo(user.id)) as string;
    expect((await reset(token)).status).toBe(204);
    expect([await refused(token), await refused(second)]).toEqual([true, true]);
  });

  it('an earlier token stays good when another is asked for: nobody can keep a stranger from resetting', async () => {
    const { user, token } = await forgetful();
    await forgot(user.email);
    expect((await reset(token)).status).toBe(204);
  });

  it('used twice at once, it works once', async () => {
    const { token } = await forgetful();
    const answers = await runIntoLock(app.databaseUrl, 'SELECT FROM users FOR UPDATE', [
      () => reset(token),
      () => reset(token, 'yet another password'),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400]);
  });

  it('is void after an hour, and cleared away with the next request', async () => {
    const { token } = await forgetful();
    await app.sql("UPDATE password_resets SET expires_at = expires_at - interval '1 hour'");
    expect(await refused(token)).toBe(true);
    await forgot('nobody@example.com');
    expect(await app.sql('SELECT count(*) FROM password_resets')).toEqual([{ count: 1 }]);
  });

  it.each([
    ['the e-mail', { email: 'moved@example.com' }],
    ['the role', { role: 'admin', current_password: ADMIN.password }],
    ['the activity', { active: false }],
  ])('is void after a change of %s', async (_, changes) => {
    const { user, token } = await forgetful();
    await app.admin.patch(`users/${user.id}`, changes);
    expect(await refused(token)).toBe(true);
  });

  it('is void after a change of the password', async () => {
    const { user, token } = await forgetful();
    await user.post('auth/password', { current_password: PASSWORD, new_password: NEW });
    expect(await refused(token)).toBe(true);
  });

  it('a password that cannot be accepted does not burn the token', async () => {
    const { token } = await forgetful();
    expect((await reset(token, 'Ann Smith')).body.errors[0].field).toBe('new_password');
    expect((await reset(token)).status).toBe(204);
  });

  it.each(['', 'x', 'A'.repeat(43)])('refuses the token "%s"', async (token) => {
    expect((await reset(token)).status).toBe(400);
  });
});
