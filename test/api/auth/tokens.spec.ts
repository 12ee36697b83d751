import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { startApp, type TestApp } from '../../support/app';

const SECRET_KEY = 'the-signing-key-of-these-very-tests';

let app: TestApp;
let user: Awaited<ReturnType<TestApp['newUser']>>;
beforeAll(async () => {
  app = await startApp({ SECRET_KEY });
  user = await app.newUser();
});
afterAll(() => app.close());

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac = (hash: string, key: string) => (input: string) => createHmac(hash, key).update(input).digest('base64url');
const now = () => Math.floor(Date.now() / 1000);

interface Forgery {
  header?: object;
  /** Over the claims of a good token; undefined takes one away. */
  claims?: object;
  signature?: (input: string) => string;
}

/** A token as the service makes them, but for what is given. */
function forge({ header, claims, signature = hmac('sha256', SECRET_KEY) }: Forgery = {}): string {
  const good = {
    role: 'user',
    token_use: 'access',
    token_version: 1,
    iss: 'order-management-service',
    aud: 'order-management-api',
    sub: String(user.id),
    jti: 'b7a4ed1c-9a3f-4b0e-8f6c-2d6c7d0b9d11',
    iat: now(),
    exp: now() + 900,
  };
  const input = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode({ ...good, ...claims })}`;
  return `${input}.${signature(input)}`;
}

const present = (authorization: string, path = 'auth/me') => app.anonymous.with({ authorization }).get(path);

async function expectRefused(token: string): Promise<void> {
  const { status, body, headers } = await present(`Bearer ${token}`);
  expect([status, body.code, headers.get('www-authenticate')]).toEqual([
    401,
    'UNAUTHENTICATED',
    'Bearer realm="orders"',
  ]);
}

it('what is forged here without a flaw is taken, whatever the case of the scheme', async () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER'])
    expect((await present(`${scheme} ${forge()}`)).body.id).toBe(user.id);
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const none = () => '';

it.each<[string, Forgery]>([
  ['alg none', { header: { alg: 'none' }, signature: none }],
  ['alg NONE', { header: { alg: 'NONE' }, signature: none }],
  ['alg none, yet signed', { header: { alg: 'none' } }],
  ['no alg', { header: { alg: undefined } }],
  ['no signature', { signature: none }],
  ['HS512 with the right key', { header: { alg: 'HS512' }, signature: hmac('sha512', SECRET_KEY) }],
  ['HS384 with the right key', { header: { alg: 'HS384' }, signature: hmac('sha384', SECRET_KEY) }],
  ['a header that says RS256 over an HMAC', { header: { alg: 'RS256' } }],
  [
    'RS256 with a key of its own, sent along',
    {
      header: { alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) },
      signature: (input) => sign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url'),
    },
  ],
  ['a header that names a file as its key', { header: { kid: '/dev/null' }, signature: hmac('sha256', '') }],
  ['the wrong key', { signature: hmac('sha256', 'another-signing-key-of-32-bytes-xx') }],
  ['an empty key', { signature: hmac('sha256', '') }],
])('a token with %s is refused', (_, forgery) => expectRefused(forge(forgery)));

it.each<[string, () => object]>([
  ['expired', () => ({ exp: now() - 1 })],
  ['without exp', () => ({ exp: undefined })],
  ['with an exp that is text', () => ({ exp: String(now() + 900) })],
  ['not good yet', () => ({ nbf: now() + 60 })],
  ['of another issuer', () => ({ iss: 'another-service' })],
  ['without an issuer', () => ({ iss: undefined })],
  ['for another audience', () => ({ aud: 'another-api' })],
  ['without an audience', () => ({ aud: undefined })],
  ['of another use', () => ({ token_use: 'refresh' })],
  ['of no use', () => ({ token_use: undefined })],
  ['of an older version', () => ({ token_version: 0 })],
  ['of a newer version', () => ({ token_version: 2 })],
  ['of a version that is text', () => ({ token_version: '1' })],
  ['without a version', () => ({ token_version: undefined })],
  ['of nobody', () => ({ sub: undefined })],
  ['of a user who does not exist', () => ({ sub: '2147483647' })],
  ['of an id that is none', () => ({ sub: `0${user.id}` })],
  ['of an id beyond all bounds', () => ({ sub: '9999999999' })],
  ['of a client that does not exist', () => ({ sub: `client_${'A'.repeat(16)}` })],
])('a well-signed token %s is refused', (_, claims) => expectRefused(forge({ claims: claims() })));

it('a token whose role, subject or version was edited is refused', async () => {
  const [header, payload, signature] = forge().split('.');
  const claims = JSON.parse(Buffer.from(payload as string, 'base64url').toString());
  for (const edit of [{ role: 'admin' }, { sub: '1' }, { token_version: 2 }, { exp: now() + 9000 }])
    await expectRefused(`${header}.${encode({ ...claims, ...edit })}.${signature}`);
});

it('the role in a token decides nothing: the one in the database does', async () => {
  const { status, body } = await present(`Bearer ${forge({ claims: { role: 'admin' } })}`, 'users');
  expect([status, body.code]).toEqual([403, 'FORBIDDEN']);
});

it('a token of a user who was deactivated in the database itself is refused', async () => {
  const gone = await app.newUser();
  await app.sql('UPDATE users SET active = false WHERE id = $1', [gone.id]);
  await expectRefused(forge({ claims: { sub: String(gone.id) } }));
});

it('a token of 9 KB is refused, however well it is signed', async () => {
  const token = forge({ claims: { padding: 'x'.repeat(6_800) } });
  expect(token.length).toBeGreaterThan(9_000);
  await expectRefused(token);
  await expectRefused('x'.repeat(9_000));
});

it.each([
  ['no token', () => ''],
  ['one part', () => forge().split('.')[0]],
  ['two parts', () => forge().split('.').slice(0, 2).join('.')],
  ['four parts', () => `${forge()}.e30`],
  ['an array for claims', () => `${encode({ alg: 'HS256' })}.${encode([])}.x`],
  ['no JSON', () => 'a.b.c'],
])('%s is refused', (_, token) => expectRefused(token() as string));

it.each([
  ['no scheme', () => forge()],
  ['another scheme', () => `Token ${forge()}`],
  ['the token by HTTP Basic', () => `Basic ${Buffer.from(forge()).toString('base64')}`],
])('%s is as if nobody asked', async (_, authorization) => {
  const { status, body } = await present(authorization());
  expect([status, body.code]).toEqual([401, 'UNAUTHENTICATED']);
});
