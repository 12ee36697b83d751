import { PASSWORD, startApp, type TestApp } from '../../support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ ACCESS_TOKEN_EXPIRE_MINUTES: '7' });
});
afterAll(() => app.close());

const register = (fields: object = {}) =>
  app.anonymous.post('auth/register', {
    name: 'Ann Smith',
    email: `${crypto.randomUUID()}@example.com`,
    password: PASSWORD,
    ...fields,
  });
const fields = ({ body }: { body: { errors?: { field: string }[] } }) => body.errors?.map(({ field }) => field);

describe('registering', () => {
  it('opens an account with the role user, and shows no hash of the password', async () => {
    const { status, body } = await register({ email: 'Ann@Example.com', username: 'Ann' });
    const time = expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/);
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(Number),
        name: 'Ann Smith',
        email: 'Ann@Example.com',
        email_confirmed: false,
        pending_email: null,
        username: 'Ann',
        role: 'user',
        active: true,
        version: 1,
        created_at: time,
        updated_at: time,
      },
    ]);
    const [{ password_hash }] = await app.sql('SELECT password_hash FROM users WHERE id = $1', [body.id]);
    expect(password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it.each([
    ['EMAIL_TAKEN', { email: 'TAKEN@example.COM' }],
    ['USERNAME_TAKEN', { username: 'TAKEN' }],
  ])('answers %s whatever the case', async (code, taken) => {
    await register({ email: 'taken@example.com', username: 'taken' });
    const { status, body } = await register(taken);
    expect([status, body.code]).toEqual([409, code]);
  });

  it.each<[string, unknown]>([
    ['name', ''],
    ['name', '\u200b\u2060'],
    ['name', '\u3164 \u2800'],
    ['name', '\u0301\ufe0f'],
    ['name', 'a'.repeat(101)],
    ['email', 'ann'],
    ['email', 'ann@example.com\r\nBcc: x@example.com'],
    ['email', `${'a'.repeat(250)}@example.com`],
    ['email', null],
    ['password', 'short'],
    ['password', 'a'.repeat(129)],
    ['username', 'ab'],
    ['username', 'ann@example.com'],
    ['username', 'a b c'],
    ['role', 'admin'],
    ['active', true],
    ['id', 1],
    ['token_version', 1],
  ])('refuses a bad %s', async (field, value) => {
    const answer = await register({ [field]: value });
    expect([answer.status, fields(answer)]).toEqual([400, [field]]);
  });
});

describe('logging in', () => {
  const login = (body: object) => app.anonymous.post('auth/login', body);
  let ann: { id: number; email: string; username: string };
  beforeAll(async () => {
    ann = (await register({ email: 'Login@Example.com', username: 'Log.In' })).body;
  });

  it.each([
    ['e-mail', { email: 'Login@Example.com' }],
    ['e-mail in another case', { email: 'LOGIN@example.COM' }],
    ['username', { username: 'Log.In' }],
    ['username in another case', { username: 'log.in' }],
    ['e-mail as a username', { username: 'login@example.com' }],
  ])('works by %s', async (_, who) => {
    const { status, headers, body } = await login({ ...who, password: PASSWORD });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 420, user_info: ann });
    const me = await app.anonymous.with({ authorization: `Bearer ${body.access_token}` }).get('auth/me');
    expect([me.status, me.body]).toEqual([200, ann]);
  });

  it('gives the same answer for a wrong password, an unknown user, and one who was deactivated', async () => {
    const gone = (await register()).body;
    await app.admin.patch(`users/${gone.id}`, { active: false });
    const answers = [
      await login({ email: ann.email, password: `${PASSWORD}!` }),
      await login({ email: ann.email, password: PASSWORD.toUpperCase() }),
      await login({ email: 'nobody@example.com', password: PASSWORD }),
      await login({ username: 'nobody', password: PASSWORD }),
      await login({ username: '%', password: PASSWORD }),
      await login({ email: gone.email, password: PASSWORD }),
    ];
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('www-authenticate')]).toEqual([401, expect.any(String)]);
      expect({ ...body, request_id: '' }).toEqual({ ...answers[0]?.body, request_id: '' });
      expect(body.code).toBe('INVALID_CREDENTIALS');
    }
  });

  it('takes as long for an unknown user as for a wrong password', async () => {
    const fastest = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY };
    const emails = { known: ann.email, unknown: 'nobody@example.com' };
    for (let round = 0; round < 8; round++) {
      for (const who of ['known', 'unknown'] as const) {
        const started = performance.now();
        await login({ email: emails[who], password: 'wrong password' });
        fastest[who] = Math.min(fastest[who], performance.now() - started);
      }
    }
    // Without the decoy hash the unknown one takes a tenth.
    expect(fastest.unknown).toBeGreaterThan(fastest.known / 2);
  });

  it.each([
    ['nobody', { password: PASSWORD }, ['email']],
    ['two at once', { email: 'a@example.com', username: 'b', password: PASSWORD }, ['email']],
    ['no password', { email: 'a@example.com' }, ['password']],
    ['a number for a password', { email: 'a@example.com', password: 12345678 }, ['password']],
    ['an object for a name', { username: { $ne: '' }, password: PASSWORD }, ['username']],
  ])('refuses %s', async (_, body, refused) => {
    const answer = await login(body);
    expect([answer.status, fields(answer)]).toEqual([400, refused]);
  });

  it('gives a token that says who, for what and for how long, and nothing secret', async () => {
    const { body } = await login({ email: ann.email, password: PASSWORD });
    const [header, claims] = body.access_token
      .split('.')
      .slice(0, 2)
      .map((part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    expect(header).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(claims).toEqual({
      iss: 'order-management-service',
      aud: 'order-management-api',
      sub: String(ann.id),
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
      sid: expect.any(Number),
      role: 'user',
      token_use: 'access',
      token_version: 1,
      iat: expect.any(Number),
      exp: claims.iat + 420,
    });
    expect(Math.abs(claims.iat - Date.now() / 1000)).toBeLessThan(60);
  });
});

it('the form of OAuth gives the same by password, by e-mail or username', async () => {
  const { body: ann } = await register({ username: 'form' });
  for (const username of [ann.email, 'FORM']) {
    const grant = new URLSearchParams({ grant_type: 'password', username, password: PASSWORD });
    const { status, headers, body } = await app.anonymous.post('auth/token', grant);
    expect([status, headers.get('cache-control'), body.token_type]).toEqual([200, 'no-store', 'bearer']);
    const me = await app.anonymous.with({ authorization: `Bearer ${body.access_token}` }).get('auth/me');
    expect(me.body.id).toBe(ann.id);
  }
});

it('a scheme is read in any case, and anything else is no credential', async () => {
  const { body } = await app.anonymous.post('auth/login', { email: 'login@example.com', password: PASSWORD });
  const status = async (authorization: string) => (await app.anonymous.with({ authorization }).get('auth/me')).status;
  expect(await status(`bEARER ${body.access_token}`)).toBe(200);
  expect(await status(`Bearer  ${body.access_token}`)).toBe(200);
  for (const other of [
    '',
    'Bearer',
    'Bearer ',
    body.access_token,
    `Token ${body.access_token}`,
    `Bearer x${body.access_token}`,
  ])
    expect([other, await status(other)]).toEqual([other, 401]);
});
