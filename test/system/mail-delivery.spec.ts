import { startApp, type TestApp } from '../support/app';
import { eventually } from '../support/eventually';
import { publishMails } from '../support/outbox';
import { type Behaviour, SmtpSink } from '../support/smtp';

let smtp: SmtpSink;
let app: TestApp;
beforeAll(async () => {
  smtp = await new SmtpSink().start();
  app = await startApp({ SMTP_URL: smtp.url });
});
afterEach(() => {
  smtp.behaviour = 'accept';
});
afterAll(async () => {
  await Promise.all([app.close(), outage.over()]);
  await Promise.all([smtp.stop(), outage.smtp.stop()]);
});

/** A service with another mail server, which was away for as long as can be and is back. */
const outage = { smtp: new SmtpSink(), mails: [] as string[], over: async () => {} };

/** 50 mails to send; returns their Message-IDs. */
async function announce(by: TestApp): Promise<string[]> {
  return (await publishMails(by.databaseUrl, 50)).map((id) => `<${id}@localhost>`);
}

/** The Message-ID of the mail about the event of a job, up to its `@`. */
const EVENT = `format('order-%s-%s', data ->> 'aggregate_id', data ->> 'sequence')`;

const FAILED = `SELECT count(*)::int FROM pgboss.job WHERE name LIKE 'mail%' AND state < 'active' AND data ->> 'aggregate_type' = 'user'
  AND (state = 'retry' OR name = 'mail.dead')`;

it('waits for less than a minute between two attempts also after many', async () => {
  await outage.smtp.start();
  const other = await startApp({ SMTP_URL: outage.smtp.url });
  outage.over = () => other.close();
  await outage.smtp.stop();
  outage.mails = await announce(other);
  await eventually(async () => (await other.sql(FAILED))[0].count === 50, 'each has failed');
  await other.sql(`UPDATE pgboss.job SET retry_count = 100, start_after = now() WHERE state = 'retry'`);
  const LATE = `SELECT count(*)::int FROM pgboss.job WHERE state = 'retry' AND start_after > started_on + interval '30 s'`;
  await eventually(async () => (await other.sql(LATE))[0].count === 50, 'each has failed once more');
  const [{ longest }] = await other.sql(
    `SELECT extract(epoch FROM max(start_after) - now()) AS longest FROM pgboss.job WHERE state = 'retry'`,
  );
  expect(longest).toBeLessThanOrEqual(45);
  await outage.smtp.start();
});

/** Places an order; returns the id of the mail that says so. */
async function place(): Promise<string> {
  const lamp = await app.newProduct();
  const { body } = await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  return `order-${body.id}-1`;
}

interface Waiting {
  retry_count: number;
  retry_limit: number;
  /** From the start of the last attempt to the next one. */
  since_start: number;
  /** From now to the next attempt. */
  from_now: number;
}

/** The job of a mail, once an attempt has failed and another one is due later. */
function waiting(id: string, failures = 1): Promise<Waiting> {
  return eventually(async () => {
    const [job] = await app.sql(
      `SELECT retry_count, retry_limit, extract(epoch FROM start_after - started_on) AS since_start,
         extract(epoch FROM start_after - now()) AS from_now
       FROM pgboss.job WHERE name = 'mail' AND state = 'retry' AND ${EVENT} = $1`,
      [id],
    );
    return job?.retry_count === failures - 1 ? job : undefined;
  }, `attempt ${failures} at ${id} fails`);
}

/** Makes every waiting mail due: what the back-off would do in a while. */
const becomeDue = () => app.sql(`UPDATE pgboss.job SET start_after = now() WHERE name = 'mail' AND state = 'retry'`);

const deadLetters = async () => (await app.admin.get('notifications/dead-letters')).body;

const delivered = (id: string) => eventually(() => smtp.about(id)[0], `mail ${id}`);

it.each(['recipient', 'content'] as const)(
  'gives up at once what is refused for good by its %s, until an admin requeues it',
  async (refuse) => {
    smtp.behaviour = { refuse, code: 550 };
    const id = await place();
    const { count, latest } = await eventually(async () => {
      const dead = await deadLetters();
      return dead.count > 0 ? dead : undefined;
    }, 'the mail is given up');
    expect(count).toBe(1);
    expect(latest).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        topic: 'order.placed',
        order_id: expect.any(Number),
        attempts: 1,
        error: expect.stringContaining('550'),
        failed_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);

    smtp.behaviour = 'accept';
    expect(await app.admin.post('notifications/dead-letters/requeue')).toMatchObject({
      status: 202,
      body: { requeued: 1 },
    });
    await delivered(id);
    expect(await deadLetters()).toEqual({ count: 0, latest: [] });
  },
);

it('tries again later and later what is refused for now, and then delivers it once', async () => {
  smtp.behaviour = { refuse: 'content', code: 451 };
  const id = await place();
  const first = await waiting(id);
  expect(first.since_start).toBeGreaterThanOrEqual(5);
  expect(first.from_now).toBeLessThanOrEqual(10);
  await becomeDue();
  const second = await waiting(id, 2);
  expect(second.since_start).toBeGreaterThanOrEqual(10);
  expect(second.from_now).toBeLessThanOrEqual(20);
  for (let failures = 3; failures <= 5; failures++) {
    await becomeDue();
    expect((await waiting(id, failures)).from_now).toBeLessThanOrEqual(45);
  }
  smtp.behaviour = 'accept';
  await becomeDue();
  await delivered(id);
  expect(smtp.about(id)).toHaveLength(1);
});

it('gives up after the last attempt', async () => {
  smtp.behaviour = { refuse: 'recipient', code: 450 };
  const id = await place();
  const { retry_limit } = await waiting(id);
  // At most 45 s between two attempts: about a day in all.
  expect(retry_limit * 45).toBeGreaterThan(24 * 3600);
  await app.sql(`UPDATE pgboss.job SET retry_limit = 1 WHERE ${EVENT} = $1`, [id]);
  await becomeDue();
  const [letter] = await eventually(async () => {
    const { latest } = await deadLetters();
    return latest.length > 0 ? latest : undefined;
  }, 'the mail is given up');
  expect(`order-${letter.order_id}-1`).toBe(id);
  expect(letter).toMatchObject({ attempts: 2 });
  smtp.behaviour = 'accept';
  await app.admin.post('notifications/dead-letters/requeue');
  await delivered(id);
});

it('sends again, with the same Message-ID, what was cut off before the answer', async () => {
  smtp.behaviour = 'cut after data';
  const id = await place();
  await waiting(id);
  const attempts = () => smtp.read.filter(({ reference }) => reference === id);
  expect(attempts()).toHaveLength(1);
  smtp.behaviour = 'accept';
  await becomeDue();
  await delivered(id);
  expect(new Set(attempts().map(({ mail }) => mail.messageId)).size).toBe(1);
  expect(attempts()).toHaveLength(2);
});

it('gives up waiting for a server that keeps silent, and tries again later', async () => {
  smtp.behaviour = 'silent';
  const id = await place();
  await waiting(id);
  smtp.behaviour = 'accept';
  await becomeDue();
  await delivered(id);
});

it('processes orders as ever while the mail server is down, and sends everything when it is back', async () => {
  await smtp.stop();
  const ids = await Promise.all(Array.from({ length: 10 }, place));
  await app.admin.post('processing/runs');
  await eventually(
    async () => (await app.admin.get('orders?status=pending&status=processing')).body.total === 0,
    'all orders are completed',
  );
  for (const id of ids) await waiting(id);
  await smtp.start();
  const mails = ids.flatMap((id) => [id, id.replace(/1$/, '2'), id.replace(/1$/, '3')]);
  await eventually(async () => {
    await becomeDue();
    return mails.every((id) => smtp.about(id).length === 1);
  }, 'all mails are out');
});

const repair: Record<string, () => Promise<unknown>> = {
  down: () => smtp.start(),
  'for good': () => app.admin.post('notifications/dead-letters/requeue'),
};

it.each<[string, Behaviour]>([
  ['down', 'accept'],
  ['slow', 'slow'],
  ['for now', { refuse: 'recipient', code: 451 }],
  ['for good', { refuse: 'recipient', code: 554 }],
  ['cut', 'cut after data'],
])(
  'brings 50 mails through a server that fails (%s), each with its own Message-ID and none twice',
  async (failure, how) => {
    smtp.delivered.length = 0;
    if (failure === 'down') await smtp.stop();
    smtp.behaviour = how;
    const wanted = await announce(app);
    if (failure !== 'slow') {
      await eventually(async () => (await app.sql(FAILED))[0].count === 50, 'each has failed');
      expect(smtp.delivered).toEqual([]);
      smtp.behaviour = 'accept';
      await repair[failure]?.();
      await becomeDue();
    }
    const sent = () => smtp.about('user-').map(({ mail }) => mail.messageId);
    await eventually(() => sent().length >= 50, 'all are out');
    expect(sent().sort()).toEqual(wanted.sort());
  },
);

it('keeps dead letters to admins', async () => {
  const user = await app.newUser();
  expect((await user.get('notifications/dead-letters')).status).toBe(403);
  expect((await user.post('notifications/dead-letters/requeue')).status).toBe(403);
  expect((await app.anonymous.get('notifications/dead-letters')).status).toBe(401);
});

// Last, because this has been under way since the first test.
it('has everything out, once each, after the repair of a mail server that was away for long', async () => {
  const { delivered } = outage.smtp;
  await eventually(() => delivered.length >= 50, 'all are out');
  expect(delivered.map(({ mail }) => mail.messageId).sort()).toEqual(outage.mails.sort());
});
