import { randomUUID } from 'node:crypto';
import { ADMIN, logIn, PASSWORD, startApp, type TestApp } from '../../support/app';
import { patiently } from '../../support/client';
import { runIntoLock } from '../../support/locks';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const person = (fields: object = {}) => ({
  name: 'Bob Jones',
  email: `${randomUUID()}@example.com`,
  password: PASSWORD,
  role: 'user',
  ...fields,
});

/** A further admin, logged in. */
async function newAdmin() {
  const { body } = await app.admin.post('users', person({ role: 'admin' }));
  return Object.assign(await logIn(app.anonymous, { email: body.email, password: PASSWORD }), {
    id: body.id as number,
  });
}

const ownId = async () => (await app.admin.get('auth/me')).body.id as number;

describe('creating', () => {
  it('an admin opens an account with a role; its address is in Location; no hash is shown', async () => {
    const wanted = person({ role: 'admin', username: 'bob.jones' });
    const { status, body, headers } = await app.admin.post('users', wanted);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/v1/users/${body.id}`);
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'Bob Jones',
      email: wanted.email,
      email_confirmed: true,
      pending_email: null,
      username: 'bob.jones',
      role: 'admin',
      active: true,
      version: 1,
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    });
    const newcomer = await logIn(app.anonymous, wanted);
    expect((await newcomer.get('users')).status).toBe(200);
  });

  it.each([
    { role: 'service' },
    { role: undefined },
    { id: 1 },
    { active: false },
    { token_version: 9 },
    { password_hash: 'x' },
  ])('refuses %j', async (fields) => {
    const { status, body } = await app.admin.post('users', person(fields));
    expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(body.errors[0].field).toBe(Object.keys(fields)[0]);
  });

  it('of 50 registrations of one address in different case, one is let in', async () => {
    const name = randomUUID().replaceAll(/\d/g, 'x');
    const cases = Array.from({ length: 50 }, (_, index) =>
      [...name].map((letter, place) => ((index >> (place % 6)) & 1 ? letter.toUpperCase() : letter)).join(''),
    );
    const answers = await Promise.all(
      cases.map((local) =>
        patiently(() =>
          app.anonymous.post('auth/register', { name, email: `${local}@example.com`, password: PASSWORD }),
        ),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'EMAIL_TAKEN')).toHaveLength(49);
  });
});

describe('listing', () => {
  it('filters by role, activity and part of name, e-mail or username, and pages by offset and cursor', async () => {
    const mark = randomUUID().slice(0, 8);
    for (const fields of [
      { name: `A ${mark}%`, role: 'admin' },
      { name: `b ${mark.toUpperCase()}_` },
      { email: `${mark}@example.com` },
      { username: `u${mark}` },
    ])
      expect((await app.admin.post('users', person(fields))).status).toBe(201);
    const ids = async (query: string) =>
      (await app.admin.get(`users?q=${query}`)).body.users.map(({ id }: { id: number }) => id);

    const all = await ids(mark);
    expect(all).toHaveLength(4);
    expect(await ids(`${mark}&role=admin`)).toEqual([all[0]]);
    expect(await ids(`${mark}%25`)).toEqual([all[0]]);
    expect(await ids(`${mark}_`)).toEqual([all[1]]);
    await app.admin.patch(`users/${all[3]}`, { active: false });
    expect(await ids(`${mark}&active=false`)).toEqual([all[3]]);
    expect(await ids(`${mark}&active=true`)).toEqual(all.slice(0, 3));
    expect(await ids(`${mark}&limit=2&offset=1`)).toEqual(all.slice(1, 3));

    const first = (await app.admin.get(`users?q=${mark}&limit=3`)).body;
    expect(first).toMatchObject({ limit: 3, offset: 0, has_more: true, next_cursor: expect.any(String) });
    const second = (await app.admin.get(`users?q=${mark}&limit=3&cursor=${first.next_cursor}`)).body;
    expect(second).toMatchObject({ users: [{ id: all[3] }], has_more: false, next_cursor: null });
  });

  it('finds letters in any case, composed or not, on a database that knows the case of ASCII letters only', async () => {
    const [locale] = await app.sql('SELECT datcollate FROM pg_database WHERE datname = current_database()');
    expect(locale).toEqual({ datcollate: 'C' });
    const { id } = (await app.admin.post('users', person({ name: 'Zoë Ångström Ельцин 李雷' }))).body;
    const found = async (q: string) =>
      (await app.admin.get(`users?q=${encodeURIComponent(q)}`)).body.users.map((user: { id: number }) => user.id);
    for (const q of ['zoë å', 'ZOË', 'Zoe\u0308', 'A\u030angstro\u0308m', 'ельцин', 'ЕЛЬЦ', '雷', 'э']) {
      expect([q, await found(q)]).toEqual([q, q === 'э' ? [] : [id]]);
    }
    await app.admin.patch(`users/${id}`, { name: 'Somebody Else' });
    expect(await found('ельцин')).toEqual([]);
  });

  it.each([
    'role=service',
    'active=1',
    'limit=0',
    'limit=101',
    'offset=10001',
    'cursor=x',
    'sort=id',
    'offset=0&cursor=x',
  ])('refuses ?%s', async (query) => expect((await app.admin.get(`users?${query}`)).status).toBe(400));

  it('no list or answer holds a hash', async () => {
    const answer = JSON.stringify((await app.admin.get('users?limit=100')).body);
    expect(answer).not.toMatch(/argon2|hash|token_version/);
  });
});

describe('reading and editing', () => {
  it('users read and edit themselves; another is the same 404 as one that does not exist', async () => {
    const [ann, bob] = [await app.newUser(), await app.newUser()];
    expect((await ann.get(`users/${ann.id}`)).body).toMatchObject({ id: ann.id, email: ann.email });
    const edited = await ann.patch(`users/${ann.id}`, {
      ...{ name: 'Ann Lee', username: `ann${ann.id}` },
      current_password: PASSWORD,
    });
    expect(edited.body).toMatchObject({ name: 'Ann Lee', username: `ann${ann.id}`, email: ann.email });
    expect(
      (await ann.patch(`users/${ann.id}`, { username: null, current_password: PASSWORD })).body.username,
    ).toBeNull();

    for (const id of [bob.id, 99_999]) {
      const [read, write] = [await ann.get(`users/${id}`), await ann.patch(`users/${id}`, { name: 'x' })];
      expect([read.status, read.body.code, read.body.detail]).toEqual([404, 'NOT_FOUND', 'User not found.']);
      expect([write.status, write.body.code, write.body.detail]).toEqual([404, 'NOT_FOUND', 'User not found.']);
    }
    expect((await bob.get('auth/me')).body.name).toBe('Ann Smith');
  });

  it.each([{ role: 'admin' }, { active: true }, { name: 'x', role: 'user' }])(
    'users may not send %j',
    async (changes) => {
      const ann = await app.newUser();
      const { status, body } = await ann.patch(`users/${ann.id}`, changes);
      expect([status, body.code]).toEqual([403, 'FORBIDDEN']);
      expect((await ann.get('auth/me')).body).toMatchObject({ name: 'Ann Smith', role: 'user' });
    },
  );

  it.each([
    { id: 1 },
    { password: PASSWORD },
    { password_hash: 'x' },
    { token_version: 1 },
    { created_at: 'x' },
    { name: null },
    { email: null },
  ])('nobody may send %j', async (changes) =>
    expect((await app.admin.patch(`users/${await ownId()}`, changes)).status).toBe(400),
  );

  it('an e-mail or username that somebody else has, in any case, is refused', async () => {
    const [ann, bob] = [await app.newUser(), await app.newUser()];
    await ann.patch(`users/${ann.id}`, { username: `taken${ann.id}`, current_password: PASSWORD });
    const email = { email: ann.email.toUpperCase() };
    expect((await app.admin.patch(`users/${bob.id}`, email)).body.code).toBe('EMAIL_TAKEN');
    const username = { username: `TAKEN${ann.id}`, current_password: PASSWORD };
    expect((await bob.patch(`users/${bob.id}`, username)).body.code).toBe('USERNAME_TAKEN');
  });

  it('a deactivated user is out at the next request, and in again with a new login only once active', async () => {
    const ann = await app.newUser();
    expect((await ann.get('auth/me')).status).toBe(200);
    await app.admin.patch(`users/${ann.id}`, { active: false });
    expect((await ann.get('auth/me')).status).toBe(401);
    const login = { email: ann.email, password: PASSWORD };
    expect((await app.anonymous.post('auth/login', login)).body.code).toBe('INVALID_CREDENTIALS');

    await app.admin.patch(`users/${ann.id}`, { active: true });
    expect((await ann.get('auth/me')).status).toBe(401);
    expect((await (await logIn(app.anonymous, login)).get('auth/me')).status).toBe(200);
  });

  it('a promoted or demoted user has no use of the old token; a new one has the new role', async () => {
    const ann = await app.newUser();
    const login = { email: ann.email, password: PASSWORD };
    await app.admin.patch(`users/${ann.id}`, { role: 'admin', current_password: ADMIN.password });
    expect((await ann.get('users')).status).toBe(401);
    const asAdmin = await logIn(app.anonymous, login);
    expect((await asAdmin.get('users')).status).toBe(200);
    await app.admin.patch(`users/${ann.id}`, { role: 'user', current_password: ADMIN.password });
    expect((await asAdmin.get('users')).status).toBe(401);
    expect((await (await logIn(app.anonymous, login)).get('users')).status).toBe(403);
  });

  it('what changes neither role nor activity leaves the tokens alone', async () => {
    const ann = await app.newUser();
    await app.admin.patch(`users/${ann.id}`, {
      name: 'Ann Lee',
      role: 'user',
      active: true,
      current_password: ADMIN.password,
    });
    expect((await ann.get('auth/me')).body.name).toBe('Ann Lee');
    expect((await app.admin.patch(`users/${ann.id}`, {})).status).toBe(200);
  });
});

it('of 20 edits with one ETag one goes through', async () => {
  const ann = await app.newUser();
  const read = await ann.get(`users/${ann.id}`);
  const etag = read.headers.get('etag') as string;
  expect([etag, (await ann.with({ 'if-none-match': etag }).get(`users/${ann.id}`)).status]).toEqual(['"1"', 304]);
  const edit = (n: number) => ann.with({ 'if-match': etag }).patch(`users/${ann.id}`, { name: `Ann ${n}` });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => patiently(() => edit(n))));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)]);
  expect((await ann.get(`users/${ann.id}`)).headers.get('etag')).toBe('"2"');
});

describe('the last admin', () => {
  it.each([{ role: 'user', current_password: ADMIN.password }, { active: false }])(
    'cannot be taken away by %j',
    async (changes) => {
      const me = await ownId();
      await app.sql("UPDATE users SET active = false WHERE role = 'admin' AND id <> $1", [me]);
      const { status, body } = await app.admin.patch(`users/${me}`, changes);
      expect([status, body.code]).toEqual([409, 'LAST_ADMIN']);
      expect(
        (await app.admin.patch(`users/${me}`, { role: 'admin', name: 'Root', current_password: ADMIN.password }))
          .status,
      ).toBe(200);
    },
  );

  it('two admins who demote each other at once: one succeeds', async () => {
    const me = await ownId();
    const other = await newAdmin();
    await app.sql("UPDATE users SET active = false WHERE role = 'admin' AND id <> ALL($1)", [[me, other.id]]);
    const answers = await runIntoLock(app.databaseUrl, 'SELECT FROM users FOR UPDATE', [
      () => app.admin.patch(`users/${other.id}`, { role: 'user', current_password: ADMIN.password }),
      () => other.patch(`users/${me}`, { active: false }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('LAST_ADMIN');
    expect(await app.sql("SELECT count(*) FROM users WHERE role = 'admin' AND active")).toEqual([{ count: 1 }]);
  });
});
