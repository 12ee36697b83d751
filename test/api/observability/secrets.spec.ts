import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN, PASSWORD } from '../../support/app';
import { BUILD } from '../../support/build';
import type { Answer, Client } from '../../support/client';
import { cloneTemplate, connected, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { type Service, startService } from '../../support/service';
import { SmtpSink } from '../../support/smtp';

const SETTINGS = {
  SECRET_KEY: 'the-signing-key-of-this-one-process',
  METRICS_TOKEN: 'the-token-of-the-metrics',
  GATEWAY_SECRET: 'the-secret-that-the-gateway-shares',
};
const MAIL_LOGIN = { user: 'orders', pass: 'the-password-of-the-mail-server' };
const REDIS_PASSWORD = 'the-password-of-redis';
const NEW = 'another correct horse battery';
const WRONG = 'a wrong but telling password';

/** Everything that nobody may find: what was set, and what was sent and answered since. */
const secrets = new Set<string>([...Object.values(SETTINGS), MAIL_LOGIN.pass, REDIS_PASSWORD, ADMIN.password]);

let database: TestDatabase;
let folder: string;
let sink: SmtpSink;
let service: Service;
beforeAll(async () => {
  database = await cloneTemplate();
  secrets.add(new URL(database.url).password);
  folder = mkdtempSync(join(tmpdir(), 'orders-secrets-'));
  sink = await new SmtpSink(MAIL_LOGIN).start();
  service = await startService(BUILD, {
    ...SETTINGS,
    DATABASE_URL: database.url,
    SMTP_URL: sink.url.replace('//', `//${MAIL_LOGIN.user}:${MAIL_LOGIN.pass}@`),
    // Nobody is there: the limits count in memory, and whoever tries says so in the log.
    REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:1`,
    GATEWAY: 'http',
    GATEWAY_URL: 'http://127.0.0.1:1/',
    PUBLIC_URL: 'https://shop.example.com',
    LOG_LEVEL: 'trace',
    LOG_FILE: join(folder, 'orders.log'),
    DOCS_ENABLED: 'true',
  });
});
afterAll(async () => {
  await service.terminate();
  await sink.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const sql = (text: string) => connected(database.url, async (client) => (await client.query(text)).rows);

/** Sends, and remembers every secret in what was sent and answered. */
async function send(client: Client, method: string, path: string, body?: unknown): Promise<Answer> {
  collect(body instanceof URLSearchParams ? Object.fromEntries(body) : body);
  const answer = await client.send(method, path, body);
  collect(answer.body);
  return answer;
}

function collect(value: unknown): void {
  for (const [name, part] of Object.entries(Object(value))) {
    if (typeof part === 'object') collect(part);
    else if (/password|token$|secret$/.test(name) && typeof part === 'string') secrets.add(part);
  }
}

const post = (client: Client, path: string, body?: unknown) => send(client, 'POST', path, body);
const token = (fields: Record<string, string>) => post(service.anonymous, 'auth/token', new URLSearchParams(fields));

async function logIn(email: string, password: string) {
  const { body } = await post(service.anonymous, 'auth/login', { email, password });
  const client = service.anonymous.with({ authorization: `Bearer ${body.access_token}` });
  return { client, refresh: body.refresh_token as string };
}

/** Uses each route that takes or gives a secret, well and badly. */
async function authenticate(email: string): Promise<void> {
  const { anonymous } = service;
  await post(anonymous, 'auth/register', { name: 'Ann', email, password: PASSWORD });
  await post(anonymous, 'auth/register', { name: 'Ann', email, password: PASSWORD, nickname: NEW });
  await post(anonymous, 'auth/register', `{"name": "Ann", "password": "${PASSWORD}"`);
  await post(anonymous, 'auth/login', { email, password: WRONG });
  await post(anonymous, 'auth/login', { email, password: [WRONG] });
  await token({ grant_type: 'password', username: email, password: WRONG });
  await token({ grant_type: 'password', username: email, password: PASSWORD });
  const { client, refresh } = await logIn(email, PASSWORD);
  await token({ grant_type: 'refresh_token', refresh_token: refresh });
  await post(client, 'auth/resend-confirmation');
  await confirmEmail(email);
  await post(client, 'auth/password', { current_password: WRONG, new_password: NEW });
  expect((await post(client, 'auth/password', { current_password: PASSWORD, new_password: NEW })).status).toBe(204);
  await post(anonymous, 'auth/logout', { refresh_token: refresh });
  await client.get(`auth/me?token=${refresh}`);
  const again = (await logIn(email, NEW)).client;
  const { body } = await again.get('auth/sessions');
  await again.get('auth/me');
  await again.delete(`auth/sessions/${body.sessions[0].id}`);
  await post(again, 'auth/logout-all');
}

async function confirmEmail(email: string): Promise<void> {
  const mail = await eventually(
    () => sink.delivered.find(({ to, mail: { text } }) => to.includes(email) && text?.includes('confirm-email?token=')),
    'the mail with the token',
  );
  const [, found] = /confirm-email\?token=([\w-]+)/.exec(mail.mail.text as string) ?? [];
  expect((await post(service.anonymous, 'auth/confirm-email', { token: found })).status).toBe(204);
}

async function resetPassword(email: string): Promise<void> {
  const { anonymous } = service;
  await post(anonymous, 'auth/forgot-password', { email });
  const mail = await eventually(
    () =>
      sink.delivered.find(({ to, mail: { text } }) => to.includes(email) && text?.includes('reset-password?token=')),
    'the mail with the token',
  );
  const [, found] = /reset-password\?token=([\w-]+)/.exec(mail.mail.text as string) ?? [];
  await post(anonymous, 'auth/reset-password', { token: found, new_password: 'short' });
  expect((await post(anonymous, 'auth/reset-password', { token: found, new_password: PASSWORD })).status).toBe(204);
}

async function manage(admin: Client): Promise<void> {
  const { body } = await post(admin, 'users', { name: 'Ben', email: 'ben@example.com', password: NEW, role: 'user' });
  await admin.get('users');
  await admin.get(`users/${body.id}`);
  await admin.patch(`users/${body.id}`, { name: 'Benjamin' });
  await admin.patch(`users/${body.id}`, { password: NEW });
  const created = (await post(admin, 'clients', { name: 'Warehouse' })).body;
  const { client_secret } = (await post(admin, `clients/${created.id}/rotate`)).body;
  await admin.get('clients');
  await admin.get(`clients/${created.id}`);
  for (const secret of [created.client_secret, client_secret]) {
    const credentials = Buffer.from(`${created.client_id}:${secret}`).toString('base64');
    secrets.add(credentials);
    await service.anonymous.with({ authorization: `Basic ${credentials}` }).get('orders');
    await token({ grant_type: 'client_credentials', client_id: created.client_id, client_secret: secret });
  }
  await admin.delete(`clients/${created.id}`);
}

async function order(admin: Client): Promise<void> {
  const body = { items: [{ name: 'Lamp', unit_price_cents: 100, quantity: 1 }] };
  const { id } = (await admin.with({ 'idempotency-key': 'a key' }).post('orders', body)).body;
  await admin.get('orders');
  await admin.get(`orders/${id}`);
  await admin.get(`orders/${id}/history`);
  await admin.patch(`orders/${id}`, { note: 'x' });
  await admin.patch(`orders/${id}/status`, { status: 'paid' });
  await admin.patch(`orders/${id}/cancel`, {});
  await post(admin, 'orders', body);
  await eventually(() => service.output().includes('attempt failed'), 'a call of the gateway has failed');
  await service.anonymous.with({ authorization: `Bearer ${SETTINGS.METRICS_TOKEN}` }).get('/metrics');
  await service.anonymous.with({ authorization: `Bearer ${WRONG}` }).get('/metrics');
}

/** Has PostgreSQL refuse rows, which it repeats in full in its message, and TypeORM in its parameters; the answers as sent. */
async function failStatements(): Promise<string[]> {
  // By itself: a 500 is in no document.
  const failing = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const url = `${service.origin}/api/v1/${path}`;
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).text();
  };
  await sql(`ALTER TABLE users ADD CHECK (name <> 'Refused') NOT VALID`);
  const register = await failing('auth/register', {
    name: 'Refused',
    email: 'refused@example.com',
    password: PASSWORD,
  });
  await sql('ALTER TABLE sessions RENAME TO gone');
  const login = await failing('auth/login', { email: ADMIN.email, password: ADMIN.password });
  await sql('ALTER TABLE gone RENAME TO sessions');
  return [register, login];
}

it('no secret, hash or SQL is in the log or in what a failure answers, whatever was sent and however it failed', async () => {
  const email = 'ann@example.com';
  await authenticate(email);
  await resetPassword(email);
  const { client: admin } = await logIn(ADMIN.email, ADMIN.password);
  await manage(admin);
  await order(admin);
  const answers = await failStatements();
  expect(answers.map((answer) => JSON.parse(answer).code)).toEqual(['INTERNAL_ERROR', 'INTERNAL_ERROR']);

  for (const { hash } of await sql('SELECT password_hash AS hash FROM users')) secrets.add(hash);
  const log = readFileSync(join(folder, 'orders.log'), 'utf8');
  const everything = [service.output(), log, ...answers].join('\n');
  expect(secrets.size).toBeGreaterThan(20);
  expect([...secrets].filter((secret) => everything.includes(secret))).toEqual([]);
  expect(everything.match(/\$argon2|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b|Failing row/g)).toBeNull();

  // The experiment reached all that it is about.
  const { body: document } = await service.anonymous.get('/openapi.json');
  const routes = new Set(
    [...log.matchAll(/"method":"(\w+)","route":"([^"]+)"/g)].map(([, method, path]) => `${method} ${path}`),
  );
  const about = Object.entries<object>(document.paths)
    .filter(([path]) => /^\/api\/v1\/(auth|users|clients|orders)\b/.test(path))
    .flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
  expect(about.filter((route) => !routes.has(route))).toEqual([]);
});
