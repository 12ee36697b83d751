import { logIn, PASSWORD, startApp, type TestApp } from './support/app';
import { runIntoLock } from './support/locks';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
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
    expect(await app.sql(`SELECT topic FROM outbox WHERE (payload->>'user_id')::int = $1`, [user.id])).toEqual([
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
