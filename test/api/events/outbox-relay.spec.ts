import { Client } from 'pg';
import { listen, startApp, type TestApp, testConfig } from '../../support/app';
import { eventually } from '../../support/eventually';
import { publishMails } from '../../support/outbox';
import { SmtpSink } from '../../support/smtp';

let smtp: SmtpSink;
let app: TestApp;
beforeAll(async () => {
  smtp = await new SmtpSink().start();
  // Takes requests and relays nothing: what is in the outbox stays there until a worker starts.
  app = await startApp({ SERVICE_ROLE: 'api' });
});
beforeEach(() => {
  smtp.delivered.length = 0;
});
afterAll(async () => {
  await app.close();
  await smtp.stop();
});

const workers: { close(): Promise<void> }[] = [];
const closeWorkers = () => Promise.all(workers.splice(0).map((worker) => worker.close()));
afterEach(closeWorkers);

/** Another process, as far as the database can tell. */
async function startWorker(): Promise<void> {
  const { nest } = await listen(testConfig(app.databaseUrl, { SERVICE_ROLE: 'worker', SMTP_URL: smtp.url }));
  workers.push(nest);
}

/** Announces as many events, each of which is worth a mail; returns their ids. */
async function announce(count: number): Promise<string[]> {
  return await publishMails(app.databaseUrl, count);
}

const deliveredIds = () =>
  smtp.delivered.map(({ mail }) => (mail.messageId as string).slice(1).split('@')[0] as string);

it('sends each mail once, however many processes relay and send', async () => {
  const ids = await announce(50);
  await Promise.all([startWorker(), startWorker()]);
  for (let round = 0; round < 10; round++) {
    ids.push(...(await announce(10)));
    await eventually(() => smtp.delivered.length >= 10 * round, 'the workers go on');
  }
  await eventually(() => smtp.delivered.length >= ids.length, 'all mails are out');
  await closeWorkers();
  expect(deliveredIds().sort()).toEqual(ids.sort());
});

it('loses and doubles nothing when a relay dies within a batch', async () => {
  const ids = await announce(50);
  // What a relay does first, up to the moment in which it dies.
  const dying = new Client(app.databaseUrl);
  dying.on('error', () => {});
  await dying.connect();
  await dying.query('BEGIN');
  await dying.query('SELECT last FROM feed_position FOR UPDATE');
  await dying.query('DELETE FROM outbox');
  const { pid } = (await dying.query('SELECT pg_backend_pid() AS pid')).rows[0];

  ids.push(...(await announce(50)));
  await startWorker();
  await app.sql('SELECT pg_terminate_backend($1)', [pid]);
  await eventually(() => smtp.delivered.length >= ids.length, 'another relay takes what the dead one held');
  await closeWorkers();
  expect(deliveredIds().sort()).toEqual(ids.sort());
});

it('loses and doubles nothing when the queue fails within a batch', async () => {
  await app.sql(`
    CREATE SEQUENCE jobs_added;
    CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('jobs_added') = 5 THEN RAISE 'the queue is told to fail'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER fail_once BEFORE INSERT ON pgboss.job FOR EACH ROW EXECUTE FUNCTION fail_once()`);
  const ids = await announce(10);
  await startWorker();
  await eventually(async () => smtp.delivered.length >= ids.length, 'all mails are out');
  await closeWorkers();
  expect(deliveredIds().sort()).toEqual(ids.sort());
  await app.sql('DROP TRIGGER fail_once ON pgboss.job');
});

it('sends one mail for an event that is published twice', async () => {
  const lamp = await app.newProduct();
  await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  await app.sql('CREATE TABLE placed AS SELECT * FROM outbox');
  await startWorker();
  await eventually(() => smtp.delivered.length > 0, 'the mail is out');
  await app.sql('INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT * FROM placed');
  const [other] = await announce(1);
  await eventually(() => deliveredIds().includes(other as string), 'the relay has gone on');
  await closeWorkers();
  expect(smtp.delivered).toHaveLength(2);
});

it('drops events without a consumer', async () => {
  await app.sql(
    `INSERT INTO outbox (topic, aggregate_type, aggregate_id, payload) VALUES ('nobody.listens', 'nobody', 1, '{}')`,
  );
  await startWorker();
  await eventually(async () => (await app.sql('SELECT FROM outbox')).length === 0, 'the outbox is empty');
  await closeWorkers();
  expect(smtp.delivered).toEqual([]);
});

it('aborts a delivery to a silent mail server at a shutdown, and leaves the mail to the next process', async () => {
  smtp.behaviour = 'silent';
  const [id] = await announce(1);
  await startWorker();
  await eventually(
    async () => (await app.sql(`SELECT FROM pgboss.job WHERE name = 'mail' AND state = 'active'`)).length === 1,
    'the mail is on its way',
  );
  await closeWorkers();
  const [{ message }] = await app.sql(
    `SELECT output ->> 'message' AS message FROM pgboss.job WHERE name = 'mail' AND state = 'retry'`,
  );
  // The transport's own timeout comes later than the abort.
  expect(message).not.toMatch(/time/i);

  smtp.behaviour = 'accept';
  await app.sql(`UPDATE pgboss.job SET start_after = now() WHERE name = 'mail' AND state = 'retry'`);
  await startWorker();
  await eventually(() => deliveredIds().includes(id as string), 'the next process sends it');
});
