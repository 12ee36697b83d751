import { randomUUID } from 'node:crypto';
import { ADMIN, logIn, PASSWORD, startApp, type TestApp } from '../../support/app';
import type { Client } from '../../support/client';

let app: TestApp;
beforeAll(async () => {
  // Without a relay, so that the events stay where they can be read.
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

const newEmail = () => `${randomUUID()}@example.com`;
const confirm = (token: string) => app.anonymous.post('auth/confirm-email', { token });

/** What was announced for this user, oldest first. */
const events = (id: number): Promise<{ topic: string; payload: Record<string, unknown> }[]> =>
  app.sql(`SELECT topic, payload FROM outbox WHERE aggregate_type = 'user' AND aggregate_id = $1 ORDER BY id`, [id]);
const topics = async (id: number) => (await events(id)).map(({ topic }) => topic);

/** The newest token that was sent to this user. */
async function tokenOf(id: number): Promise<string> {
  const sent = (await events(id)).findLast(({ topic }) => topic === 'user.email_confirmation');
  return sent?.payload.token as string;
}

/** A customer who registered by themselves, and has confirmed nothing. */
async function register(): Promise<Client & { id: number; email: string }> {
  const email = newEmail();
  const { body } = await app.anonymous.post('auth/register', { name: 'Ann Smith', email, password: PASSWORD });
  return Object.assign(await logIn(app.anonymous, { email, password: PASSWORD }), { id: body.id, email });
}

describe('confirming an address', () => {
  it('a registration sends a token to the address, which proves it', async () => {
    const ann = await register();
    expect((await ann.get('auth/me')).body).toMatchObject({ email_confirmed: false, pending_email: null });
    expect(await events(ann.id)).toEqual([
      { topic: 'user.email_confirmation', payload: { email: ann.email, token: expect.stringMatching(/^[\w-]{43}$/) } },
    ]);
    const token = await tokenOf(ann.id);
    expect((await confirm(token)).status).toBe(204);
    expect((await ann.get('auth/me')).body.email_confirmed).toBe(true);
    expect((await confirm(token)).body.code).toBe('INVALID_CONFIRMATION_TOKEN');
  });

  it('sends the token again while there is something to confirm', async () => {
    const ann = await register();
    const first = await tokenOf(ann.id);
    expect((await ann.post('auth/resend-confirmation')).status).toBe(202);
    expect(await tokenOf(ann.id)).not.toBe(first);
    expect((await confirm(first)).status).toBe(204);
    expect((await ann.post('auth/resend-confirmation')).status).toBe(202);
    expect(await topics(ann.id)).toHaveLength(2);
  });

  it('a token is void after a day', async () => {
    const ann = await register();
    await app.sql(`UPDATE email_confirmations SET expires_at = expires_at - interval '1 day'`);
    expect((await confirm(await tokenOf(ann.id))).body.code).toBe('INVALID_CONFIRMATION_TOKEN');
  });

  it('the token is stored as a hash only', async () => {
    const ann = await register();
    const [{ rows }] = await app.sql("SELECT string_agg(r::text, ' ') AS rows FROM email_confirmations r");
    expect(rows).not.toContain(Buffer.from(await tokenOf(ann.id), 'utf8').toString('hex'));
  });

  it('accounts made by an admin, and whoever completes a reset, count as proved', async () => {
    expect((await app.admin.get('auth/me')).body.email_confirmed).toBe(true);
    const { body } = await app.admin.post('users', {
      ...{ name: 'Bob', email: newEmail(), password: PASSWORD, role: 'user' },
    });
    expect(body.email_confirmed).toBe(true);
    const ann = await register();
    await app.anonymous.post('auth/forgot-password', { email: ann.email });
    const token = (await events(ann.id)).at(-1)?.payload.token;
    await app.anonymous.post('auth/reset-password', { token, new_password: 'another long password' });
    const again = await logIn(app.anonymous, { email: ann.email, password: 'another long password' });
    expect((await again.get('auth/me')).body.email_confirmed).toBe(true);
  });
});

describe('a stolen access token', () => {
  it.each([{ email: 'thief@example.com' }, { username: 'thief' }, { email: 'thief@example.com', name: 'x' }])(
    'is not enough to change %j',
    async (changes) => {
      const ann = await app.newUser();
      for (const [password, message] of [
        [undefined, 'is needed for this change'],
        ['a guess', 'is not your present password'],
      ]) {
        const { status, body } = await ann.patch(`users/${ann.id}`, { ...changes, current_password: password });
        expect([status, body.errors]).toEqual([400, [{ field: 'current_password', message }]]);
      }
      expect((await ann.get('auth/me')).body).toMatchObject({ email: ann.email, pending_email: null, username: null });
      expect(await topics(ann.id)).toEqual([]);
    },
  );

  it('of an admin is not enough to change a role', async () => {
    const ann = await app.newUser();
    const { status, body } = await app.admin.patch(`users/${ann.id}`, { role: 'admin' });
    expect([status, body.errors?.[0].field]).toEqual([400, 'current_password']);
    const given = { role: 'admin', current_password: ADMIN.password };
    expect((await app.admin.patch(`users/${ann.id}`, given)).body.role).toBe('admin');
  });
});

describe('changing the own address', () => {
  const change = (who: Client & { id: number }, email: string) =>
    who.patch(`users/${who.id}`, { email, current_password: PASSWORD });

  it('tells the old one at once, counts once the new one is confirmed, and ends the other sessions', async () => {
    const ann = await app.newUser();
    const login = { email: ann.email, password: PASSWORD };
    const other = (await app.anonymous.post('auth/login', login)).body;
    const own = (await app.anonymous.post('auth/login', login)).body;
    const refresh = (refresh_token: string) =>
      app.anonymous.post('auth/token', new URLSearchParams({ grant_type: 'refresh_token', refresh_token }));
    const here = Object.assign(app.anonymous.with({ authorization: `Bearer ${own.access_token}` }), { id: ann.id });
    const email = newEmail();

    const changed = await change(here, email);
    expect([changed.status, changed.body]).toEqual([
      200,
      expect.objectContaining({ email: ann.email, pending_email: email }),
    ]);
    expect(await events(ann.id)).toEqual([
      { topic: 'user.email_changed', payload: { email: ann.email, proved: true } },
      { topic: 'user.email_confirmation', payload: { email, token: expect.any(String) } },
    ]);
    expect((await ann.get('auth/me')).status).toBe(401);
    expect((await refresh(other.refresh_token)).status).toBe(401);
    expect((await here.get('auth/me')).status).toBe(200);
    expect((await refresh(own.refresh_token)).status).toBe(200);
    expect((await app.anonymous.post('auth/login', { ...login, email })).status).toBe(401);

    expect((await confirm(await tokenOf(ann.id))).status).toBe(204);
    expect((await here.get('auth/me')).body).toMatchObject({ email, email_confirmed: true, pending_email: null });
    expect((await app.anonymous.post('auth/login', { ...login, email })).status).toBe(200);
    expect((await app.anonymous.post('auth/login', login)).status).toBe(401);
  });

  it('is taken back by the present address, and by a new password', async () => {
    const [ann, ben] = [await app.newUser(), await app.newUser()];
    await change(ann, newEmail());
    const annToken = await tokenOf(ann.id);
    const again = await logIn(app.anonymous, { email: ann.email, password: PASSWORD });
    const same = { email: ann.email, current_password: PASSWORD };
    expect((await again.patch(`users/${ann.id}`, same)).body.pending_email).toBeNull();
    expect((await confirm(annToken)).body.code).toBe('INVALID_CONFIRMATION_TOKEN');

    await change(ben, newEmail());
    const benToken = await tokenOf(ben.id);
    await app.anonymous.post('auth/forgot-password', { email: ben.email });
    const token = (await events(ben.id)).at(-1)?.payload.token;
    await app.anonymous.post('auth/reset-password', { token, new_password: 'another long password' });
    expect((await confirm(benToken)).body.code).toBe('INVALID_CONFIRMATION_TOKEN');
    expect((await app.admin.get(`users/${ben.id}`)).body).toMatchObject({ email: ben.email, pending_email: null });
  });

  it('tells nothing about who has an address: a taken one is answered alike, and gets no mail', async () => {
    const [ann, ben] = [await app.newUser(), await app.newUser()];
    const { status, body } = await change(ann, ben.email.toUpperCase());
    expect([status, body.pending_email]).toEqual([200, ben.email.toUpperCase()]);
    expect(await topics(ann.id)).toEqual(['user.email_changed']);
    expect(await topics(ben.id)).toEqual([]);
  });

  it('an address that somebody else has got meanwhile is refused when it is confirmed', async () => {
    const ann = await app.newUser();
    const email = newEmail();
    await change(ann, email);
    await app.admin.post('users', { name: 'Bob', email, password: PASSWORD, role: 'user' });
    const { status, body } = await confirm(await tokenOf(ann.id));
    expect([status, body.code]).toEqual([409, 'EMAIL_TAKEN']);
  });

  it('another case of the same address needs no confirmation', async () => {
    const ann = await app.newUser();
    const { body } = await change(ann, ann.email.toUpperCase());
    expect(body).toMatchObject({ email: ann.email.toUpperCase(), email_confirmed: true, pending_email: null });
    expect(await topics(ann.id)).toEqual([]);
  });

  it('by an admin counts at once, tells the old address, and ends every session', async () => {
    const ann = await app.newUser();
    const email = newEmail();
    const { body } = await app.admin.patch(`users/${ann.id}`, { email });
    expect(body).toMatchObject({ email, email_confirmed: true, pending_email: null });
    expect(await events(ann.id)).toEqual([
      { topic: 'user.email_changed', payload: { email: ann.email, proved: true } },
    ]);
    expect((await ann.get('auth/me')).status).toBe(401);
  });
});
