import { ADMIN, PASSWORD, startApp, type TestApp } from '../../support/app';
import type { Answer, Client } from '../../support/client';
import { runIntoLock } from '../../support/locks';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const token = (fields: Record<string, string>, client: Client = app.anonymous) =>
  client.post('auth/token', new URLSearchParams(fields));
const refresh = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token });
const bearer = ({ body }: Answer) => app.anonymous.with({ authorization: `Bearer ${body.access_token}` });

/** A new user, logged in, with the answer to that login. */
async function newSession() {
  const user = await app.newUser();
  const login = await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
  return { user, login, first: login.body.refresh_token as string };
}

const age = (first: string, columns: string) =>
  app.sql(`UPDATE sessions SET ${columns} WHERE family = $1`, [Buffer.from(first, 'base64url').toString('hex', 0, 16)]);

function expectRefused({ status, body, headers }: Answer) {
  expect([status, body.code, body.error]).toEqual([401, 'INVALID_REFRESH_TOKEN', 'invalid_grant']);
  expect(headers.get('www-authenticate')).toBe('Bearer realm="orders"');
}

describe('refreshing', () => {
  it('login and the password grant give a refresh token that is traded for the next pair', async () => {
    const { user, first } = await newSession();
    const granted = await token({ grant_type: 'password', username: user.email, password: PASSWORD });
    for (const refreshToken of [first, granted.body.refresh_token]) {
      expect(refreshToken).toMatch(/^[\w-]{64}$/);
      const next = await refresh(refreshToken);
      expect(next.status).toBe(200);
      expect(next.headers.get('cache-control')).toBe('no-store');
      expect(next.body).toEqual({
        access_token: expect.any(String),
        token_type: 'bearer',
        expires_in: 900,
        refresh_token: expect.stringMatching(/^[\w-]{64}$/),
      });
      expect(next.body.refresh_token).not.toBe(refreshToken);
      expect((await bearer(next).get('auth/me')).body.id).toBe(user.id);
      expect((await refresh(next.body.refresh_token)).status).toBe(200);
    }
  });

  it('the database holds nothing that can be presented', async () => {
    const { first } = await newSession();
    const bytes = Buffer.from(first, 'base64url');
    const [{ rows }] = await app.sql("SELECT string_agg(s::text, ' ') AS rows FROM sessions s");
    expect(rows).toContain('\\\\x');
    expect(rows).not.toContain(first);
    expect(rows).not.toContain(bytes.toString('hex', 16));
  });

  it('the new access token has the role of now', async () => {
    const { user, first } = await newSession();
    await app.sql("UPDATE users SET role = 'admin' WHERE id = $1", [user.id]);
    const next = await refresh(first);
    expect(JSON.parse(Buffer.from(next.body.access_token.split('.')[1], 'base64url').toString()).role).toBe('admin');
  });

  it('a token used again within the grace gets the same successor', async () => {
    const { first } = await newSession();
    const [one, two] = [await refresh(first), await refresh(first)];
    expect(two.body.refresh_token).toBe(one.body.refresh_token);
    expect((await refresh(one.body.refresh_token)).status).toBe(200);
  });

  it('a token used again after the grace ends the family', async () => {
    const { first } = await newSession();
    const next = await refresh(first);
    await age(first, "rotations = ARRAY(SELECT used - interval '10 seconds' FROM unnest(rotations) AS used)");
    expectRefused(await refresh(first));
    expectRefused(await refresh(next.body.refresh_token));
  });

  it('a token used again within the grace gets the same successor, also if that was used', async () => {
    const { first } = await newSession();
    const second = await refresh(first);
    const third = await refresh(second.body.refresh_token);
    expect((await refresh(first)).body.refresh_token).toBe(second.body.refresh_token);
    expect((await refresh(third.body.refresh_token)).status).toBe(200);
  });

  it('a token whose successor was used ends the family after its own grace', async () => {
    const { first } = await newSession();
    const second = await refresh(first);
    await age(first, "rotations = ARRAY(SELECT used - interval '10 seconds' FROM unnest(rotations) AS used)");
    const third = await refresh(second.body.refresh_token);
    expectRefused(await refresh(first));
    expectRefused(await refresh(third.body.refresh_token));
  });

  it('reuse ends the one family, not the other sessions of the user', async () => {
    const { user, first } = await newSession();
    const other = await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
    await refresh(first);
    await age(first, "rotations = ARRAY(SELECT used - interval '10 seconds' FROM unnest(rotations) AS used)");
    expectRefused(await refresh(first));
    expect((await refresh(other.body.refresh_token)).status).toBe(200);
  });

  it('20 refreshes of one token at once have one successor', async () => {
    const { first } = await newSession();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(first)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    expect(successors.size).toBe(1);
    expect((await refresh([...successors][0])).status).toBe(200);
  });

  it('refreshes that all stand before the same row have one successor', async () => {
    const { first } = await newSession();
    const answers = await runIntoLock(app.databaseUrl, 'SELECT FROM sessions FOR UPDATE', [
      () => refresh(first),
      () => refresh(first),
      () => refresh(first),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  });

  it.each([
    [
      '7 days without use',
      "last_used_at = last_used_at - interval '7 days'",
      "last_used_at = last_used_at - interval '6 days 23 hours'",
    ],
    [
      '30 days in all',
      "created_at = created_at - interval '30 days'",
      "created_at = created_at - interval '29 days 23 hours'",
    ],
  ])('a session ends after %s', async (_, after, before) => {
    const [young, old] = [await newSession(), await newSession()];
    await age(young.first, before);
    expect((await refresh(young.first)).status).toBe(200);
    await age(old.first, after);
    expectRefused(await refresh(old.first));
  });

  it('what is no refresh token of ours is refused', async () => {
    const { login, first } = await newSession();
    const changed = `${first.slice(0, -1)}${first.endsWith('A') ? 'Q' : 'A'}`;
    for (const text of [
      'x',
      'A'.repeat(64),
      `${first}A`,
      login.body.access_token.slice(0, 64),
      `${first.slice(0, 63)}=`,
    ])
      expectRefused(await refresh(text));
    expect((await refresh(first)).status).toBe(200);
    expectRefused(await refresh(changed));
  });

  it('a refresh token is no access token', async () => {
    const { first } = await newSession();
    expect((await app.anonymous.with({ authorization: `Bearer ${first}` }).get('auth/me')).status).toBe(401);
  });
});

describe('ending sessions', () => {
  it('logout ends the session of the token, also by one that was used before, and tells nothing', async () => {
    const { first, login, user } = await newSession();
    const other = await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
    const next = await refresh(first);
    for (const refresh_token of [first, first, 'nonsense']) {
      const { status, body } = await app.anonymous.post('auth/logout', { refresh_token });
      expect([status, body]).toEqual([204, '']);
    }
    expectRefused(await refresh(next.body.refresh_token));
    expect((await refresh(other.body.refresh_token)).status).toBe(200);
    expect((await bearer(login).get('auth/me')).status).toBe(200);
    expect((await app.anonymous.post('auth/logout', {})).status).toBe(400);
  });

  it('logout-all ends every session and every access token at once', async () => {
    const { user, login, first } = await newSession();
    const other = await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
    expect((await bearer(login).post('auth/logout-all')).status).toBe(204);
    for (const { body } of [login, other]) expectRefused(await refresh(body.refresh_token));
    for (const answer of [login, other]) expect((await bearer(answer).get('auth/me')).status).toBe(401);
    expect((await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD })).status).toBe(200);
    expectRefused(await refresh(first));
  });

  it.each([{ active: false }, { role: 'admin', current_password: ADMIN.password }])(
    'an admin who sends %j ends the sessions of the user',
    async (changes) => {
      const { user, login, first } = await newSession();
      await app.admin.patch(`users/${user.id}`, changes);
      expectRefused(await refresh(first));
      expect((await bearer(login).get('auth/me')).status).toBe(401);
    },
  );

  it('a session that was ended by deactivation stays so', async () => {
    const { user, first } = await newSession();
    await app.admin.patch(`users/${user.id}`, { active: false });
    await app.admin.patch(`users/${user.id}`, { active: true });
    expectRefused(await refresh(first));
  });

  it('a user who was deactivated in the database itself cannot refresh either', async () => {
    const { user, first } = await newSession();
    await app.sql('UPDATE users SET active = false WHERE id = $1', [user.id]);
    expectRefused(await refresh(first));
  });

  it('users see where they are logged in, and end one of their own', async () => {
    const { user, first } = await newSession();
    const phone = app.anonymous.with({ 'user-agent': 'phone '.repeat(100) });
    await phone.post('auth/login', { email: user.email, password: PASSWORD });
    const { sessions, ...about } = (await user.get('auth/sessions')).body;
    expect(sessions.map((session: { user_agent: string }) => session.user_agent)).toEqual([
      'node',
      'node',
      'phone '.repeat(100).slice(0, 200),
    ]);
    expect(sessions[1]).toEqual({
      id: expect.any(Number),
      user_agent: 'node',
      created_at: expect.stringMatching(/Z$/),
      last_used_at: sessions[1].created_at,
      expires_at: new Date(Date.parse(sessions[1].created_at) + 7 * 86_400_000).toISOString(),
    });
    expect(about).toEqual({ limit: 20, offset: 0, has_more: false, next_cursor: null });
    const page = (await user.get('auth/sessions?limit=1')).body;
    expect((await user.get(`auth/sessions?cursor=${page.next_cursor}`)).body.sessions).toEqual(sessions.slice(1));

    const stranger = await app.newUser();
    for (const id of [sessions[1].id, 99_999])
      expect((await stranger.delete(`auth/sessions/${id}`)).body.code).toBe('NOT_FOUND');
    expect((await user.delete(`auth/sessions/${sessions[1].id}`)).status).toBe(204);
    expectRefused(await refresh(first));
    expect((await user.get('auth/sessions')).body.sessions.map(({ id }: { id: number }) => id)).toEqual([
      sessions[0].id,
      sessions[2].id,
    ]);
  });

  it('dead sessions are not listed, and cleared away at the next login', async () => {
    const { user, first } = await newSession();
    await age(first, "last_used_at = now() - interval '8 days'");
    expect((await user.get('auth/sessions')).body.sessions).toHaveLength(1);
    await app.anonymous.post('auth/login', { email: user.email, password: PASSWORD });
    expect(await app.sql('SELECT count(*) FROM sessions WHERE user_id = $1', [user.id])).toEqual([{ count: 2 }]);
  });
});

describe('the token endpoint tells its errors in the words of RFC 6749 too', () => {
  it.each([
    [{ grant_type: 'password', username: 'nobody', password: PASSWORD }, 401, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token: 'x' }, 401, 'invalid_grant'],
    [{ grant_type: 'refresh_token' }, 400, 'invalid_request'],
    [{ grant_type: 'password', username: 'ann' }, 400, 'invalid_request'],
    [{ grant_type: 'password', password: PASSWORD }, 400, 'invalid_request'],
    [{ grant_type: 'refresh_token', refresh_token: 'x', username: 'ann' }, 400, 'invalid_request'],
    [{ grant_type: 'password', username: 'ann', password: PASSWORD, refresh_token: 'x' }, 400, 'invalid_request'],
    [{ grant_type: 'client_credentials', username: 'ann' }, 400, 'invalid_request'],
    [{ grant_type: 'magic' }, 400, 'unsupported_grant_type'],
    [{}, 400, 'invalid_request'],
  ])('%j', async (fields, status, error) => {
    const answer = await token(fields as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      status,
      error,
      error_description: answer.body.detail,
      code: expect.any(String),
    });
  });

  it('other routes have problems only', async () => {
    const { body } = await app.anonymous.post('auth/login', { email: 'nobody@example.com', password: PASSWORD });
    expect(body).not.toHaveProperty('error');
  });
});
