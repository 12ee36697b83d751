import { startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import { eventually } from '../support/eventually';
import { giveBackJobs } from '../support/jobs';
import { publishMails } from '../support/outbox';
import { type Service, startService } from '../support/service';
import { SmtpSink } from '../support/smtp';

let smtp: SmtpSink;
let app: TestApp;
beforeAll(async () => {
  smtp = await new SmtpSink().start();
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(async () => {
  await app.close();
  await smtp.stop();
});

const workers: Service[] = [];
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.kill())));

async function startWorker(settings: NodeJS.ProcessEnv = {}): Promise<Service> {
  const address = { DATABASE_URL: app.databaseUrl, SERVICE_ROLE: 'worker', SMTP_URL: smtp.url };
  const worker = await startService(BUILD, { ...address, ...settings });
  workers.push(worker);
  return worker;
}

async function announce(count: number): Promise<string[]> {
  return (await publishMails(app.databaseUrl, count)).map((id) => `<${id}@localhost>`);
}

// Mails that are sent together are marked together: up to four may have gone out without their mark.
it.each([
  { point: 'batch-relayed:1', twice: 0 },
  { point: 'batch-relayed:2', twice: 4 },
  { point: 'mail-sending:6', twice: 4 },
  { point: 'mail-sent:6', twice: 4 },
])(
  'sends every mail, and none but those under way twice, when the process is killed at $point',
  async ({ point, twice }) => {
    smtp.delivered.length = 0;
    const victim = await startWorker({ FAILPOINT: point });
    let dead = false;
    void victim.ended.then(() => {
      dead = true;
    });
    // In two portions, so that there are two batches to relay.
    const ids = await announce(10);
    const relayed = async () => (await app.sql('SELECT FROM outbox')).length === 0;
    await eventually(async () => dead || (await relayed()), 'the first batch is relayed, or not any more');
    ids.push(...(await announce(10)));
    expect(await victim.ended).toBeNull();
    expect(smtp.delivered.length).toBeLessThan(ids.length);

    await giveBackJobs(app.databaseUrl);
    const other = await startWorker();
    const delivered = () => new Set(smtp.delivered.map(({ mail }) => mail.messageId));
    await eventually(() => delivered().size === ids.length, 'every mail is out');
    await eventually(
      async () => (await app.sql(`SELECT FROM pgboss.job WHERE name = 'mail' AND state < 'completed'`)).length === 0,
      'every mail is marked',
    );
    expect(await other.terminate()).toBe(0);
    expect(delivered()).toEqual(new Set(ids));
    expect(smtp.delivered.length - ids.length).toBeLessThanOrEqual(twice);
  },
);

it('has the mail of a killed worker sent by another, long before its job expires', async () => {
  const victim = await startWorker({ FAILPOINT: 'mail-sending:1' });
  const [id] = await announce(1);
  expect(await victim.ended).toBeNull();
  await startWorker();
  const [{ message }] = await eventually(async () => {
    const rows = await app.sql(
      `SELECT output #>> '{value,message}' AS message FROM pgboss.job WHERE name = 'mail' AND state = 'retry'`,
    );
    return rows.length > 0 && rows;
  }, 'the job is taken from the killed worker');
  expect(message).toBe('job heartbeat timeout');
  await app.sql(`UPDATE pgboss.job SET start_after = now() WHERE name = 'mail' AND state = 'retry'`);
  await eventually(() => smtp.delivered.some(({ mail }) => mail.messageId === id), 'the mail is out');
});
