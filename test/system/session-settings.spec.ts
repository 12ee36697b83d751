import { migrate } from '../../src/database/data-source';
import { StartError } from '../../src/errors/start-error';
import { ADMIN, listen, logIn, testConfig } from '../support/app';
import { Client } from '../support/client';
import { connected, createDatabase, databaseUrl, dropDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { brokenInvariants } from '../support/invariants';
import { SmtpSink } from '../support/smtp';

/** Defaults that each break what a session takes for granted, as PostgreSQL reads them in `ALTER … SET`. */
const ODD = {
  TimeZone: 'America/New_York',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  client_encoding: 'LATIN1',
  bytea_output: 'escape',
  search_path: 'nowhere',
  default_transaction_isolation: 'serializable',
  statement_timeout: '1ms',
  lock_timeout: '1ms',
};

const PLACES: [string, (url: string, role: string) => Promise<string>][] = [
  ['the URL', async (url) => `${url}?options=${encodeURIComponent(optionsOf(ODD))}`],
  ['the database', (url) => withDefaults(url, `DATABASE ${new URL(url).pathname.slice(1)}`)],
  ['the role', (url, role) => withDefaults(asRole(url, role), `ROLE ${role}`, url)],
];

const optionsOf = (settings: Record<string, string>) =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ');

async function withDefaults(url: string, target: string, admin = url): Promise<string> {
  await connected(admin, async (client) => {
    for (const [name, value] of Object.entries(ODD)) await client.query(`ALTER ${target} SET ${name} = '${value}'`);
  });
  return url;
}

function asRole(url: string, role: string): string {
  const other = new URL(url);
  [other.username, other.password] = [role, 'secret'];
  return other.href;
}

it.each(PLACES)('works with odd defaults of the session from %s', async (place, prepare) => {
  const name = `session_${place.replace('the ', '').toLowerCase()}`;
  await createDatabase(name);
  const plain = databaseUrl(name);
  const role = `${name}_role`;
  await connected(plain, (client) =>
    client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; ALTER DATABASE ${name} OWNER TO ${role}`),
  );
  await connected(plain, (client) => client.query(`ALTER SCHEMA public OWNER TO ${role}`));
  const url = await prepare(plain, role);
  const smtp = await new SmtpSink().start();
  const { nest, origin } = await listen(testConfig(url, { SMTP_URL: smtp.url }));
  const admin = await logIn(new Client(origin), ADMIN);
  const before = Date.now();
  const { body: lamp } = await admin.post('products', { name: 'Lämp 灯', price_cents: 1999, stock: 10 });
  const { status, body: order } = await admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  expect(status).toBe(201);
  const times = [order.created_at, (await admin.get(`orders/${order.id}`)).body.created_at];
  for (const time of times) expect(Math.abs(Date.parse(time) - before)).toBeLessThan(600_000);
  expect((await admin.get(`products?q=${encodeURIComponent('lÄMP 灯')}`)).body.products).toMatchObject([
    { name: 'Lämp 灯' },
  ]);
  await admin.post('processing/runs');
  await eventually(async () => (await admin.get(`orders/${order.id}`)).body.status === 'completed', 'it is completed');
  const mails = await eventually(() => (smtp.delivered.length >= 3 ? smtp.delivered : undefined), 'its mails are out');
  for (const { mail } of mails) expect(mail.subject).toContain(order.number);
  await nest.close();
  await smtp.stop();
  await connected(databaseUrl(name), async (client) => {
    await client.query(
      `SET search_path = public; SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0`,
    );
    expect(await brokenInvariants(client)).toEqual([]);
  });
  await dropDatabase(name);
  await connected(databaseUrl('postgres'), (client) => client.query(`DROP ROLE ${role}`));
});

it('does not start on a database that cannot hold every text, and says what to do', async () => {
  await connected(databaseUrl('postgres'), (client) =>
    client.query(`CREATE DATABASE session_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`),
  );
  const refused = migrate(databaseUrl('session_latin'));
  await expect(refused).rejects.toThrow(StartError);
  await expect(refused).rejects.toThrow(/"session_latin" has the encoding LATIN1.*ENCODING 'UTF8'/);
  await dropDatabase('session_latin');
});
