import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { Config } from '../../../src/config/config';
import { parseConfig } from '../../../src/config/load';
import { startApp, type TestApp } from '../../support/app';
import { eventually } from '../../support/eventually';
import { SmtpSink } from '../../support/smtp';

const apps: TestApp[] = [];
afterAll(() => Promise.all(apps.map((app) => app.close())));

async function start(settings: NodeJS.ProcessEnv): Promise<TestApp> {
  const app = await startApp(settings);
  apps.push(app);
  return app;
}

async function place(app: TestApp): Promise<void> {
  const lamp = await app.newProduct();
  await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
}

it('writes mails to files where there is no mail server', async () => {
  const app = await start({});
  await place(app);
  const path = join(app.nest.get(Config).DATA_DIR, 'mail', 'order-1-1.eml');
  const file = await eventually(() => readFile(path).catch(() => undefined), 'the mail is written');
  const mail = await PostalMime.parse(file);
  expect(mail.messageId).toMatch(/^<[\da-f-]{36}@localhost>$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(mail.to).toEqual([expect.objectContaining({ address: 'admin@example.com' })]);
  expect(mail.subject).toMatch(/^We have received your order/);
});

describe('with a mail server that asks for a password', () => {
  const login = { user: 'shop', pass: 'the password' };
  let smtp: SmtpSink;
  beforeAll(async () => {
    smtp = await new SmtpSink(login).start();
  });
  afterAll(() => smtp.stop());

  const settings = (MAIL_PASSWORD: string) => ({
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: new URL(smtp.url).port,
    MAIL_USERNAME: login.user,
    MAIL_PASSWORD,
  });

  it('logs in', async () => {
    await place(await start(settings(login.pass)));
    await eventually(() => smtp.delivered.length === 1, 'the mail is delivered');
  });

  it('keeps trying with a wrong one, because that says nothing about the mail', async () => {
    const app = await start(settings('another'));
    await place(app);
    await eventually(
      async () => (await app.sql(`SELECT FROM pgboss.job WHERE name = 'mail' AND state = 'retry'`)).length === 1,
      'the mail waits',
    );
    expect((await app.admin.get('notifications/dead-letters')).body.count).toBe(0);
  });
});

const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://db/orders',
  SECRET_KEY: 'a-signing-key-for-tests-of-32-bytes',
};

it.each([
  ['SMTP_URL or MAIL_SERVER must be set', PRODUCTION],
  ['SMTP_URL must start with smtp://', { SMTP_URL: 'http://secret' }],
  ['SMTP_URL must be a valid address', { SMTP_URL: 'smtp://secret:port:99' }],
  ['SMTP_URL and MAIL_SERVER must not be set together', { SMTP_URL: 'smtp://secret', MAIL_SERVER: 'secret' }],
  ['MAIL_USERNAME and MAIL_PASSWORD must be set together', { MAIL_SERVER: 'secret', MAIL_USERNAME: 'secret' }],
  ['MAIL_PORT must be a whole number', { MAIL_PORT: 'secret' }],
  ['MAIL_FROM must be an e-mail address', { MAIL_FROM: 'secret' }],
  ['MAIL_FROM must be an e-mail address', { MAIL_FROM: 'a\r\nBcc: secret <a@example.com>' }],
  ['PUBLIC_URL must be an http or https address', { PUBLIC_URL: 'ftp://secret' }],
])('refuses to start: %s', (message, settings) => {
  expect(() => parseConfig(settings)).toThrow(message);
  expect(() => parseConfig(settings)).not.toThrow('secret');
});

it('needs no mail server where no mails are sent', () => {
  expect(() => parseConfig({ ...PRODUCTION, SERVICE_ROLE: 'api' })).not.toThrow();
});
