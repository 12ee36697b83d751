import { setTimeout } from 'node:timers/promises';
import { ADMIN, listen, logIn, startApp, type TestApp, testConfig } from '../support/app';
import { BUILD } from '../support/build';
import { type Answer, Client } from '../support/client';
import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';
import { TcpProxy } from '../support/tcp-proxy';

/** The service as a process whose way to the database can be made slow, silent and dead. */
let app: TestApp;
let proxy: TcpProxy;
let service: Service;
let admin: Client;
let lamp: { id: number };
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
  lamp = await app.newProduct({ stock: 100_000 });
  proxy = await TcpProxy.before(app.databaseUrl);
  service = await startService(BUILD, { DATABASE_URL: proxy.url, DATABASE_POOL_SIZE: '4' });
  admin = await logIn(service.anonymous, ADMIN);
});
afterAll(async () => {
  expect(await service.terminate()).toBe(0);
  await proxy.close();
  await app.close();
});

const order = () => admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
const requests = [
  order,
  () => admin.get('orders'),
  () => admin.patch(`products/${lamp.id}`, { name: 'Lamp' }),
  () => service.anonymous.get(`products/${lamp.id}`),
  () => service.anonymous.post('auth/login', ADMIN),
];

/** How many ask at a time: more than there are connections. */
const PEOPLE = 10;

interface Timed extends Answer {
  ms: number;
}

async function timed(request: () => Promise<Answer>): Promise<Timed> {
  const started = Date.now();
  return { ...(await request()), ms: Date.now() - started };
}

/** The longest that an answer has taken which waits for nothing: what a busy machine adds to every answer. */
let lag = 0;

/** What several people who never pause are answered until `over`. */
async function load(over: () => boolean): Promise<Timed[]> {
  const answers: Timed[] = [];
  const person = async (index: number) => {
    for (let count = index; !over(); count++)
      answers.push(await timed(requests[count % requests.length] as typeof order));
  };
  let waiting = true;
  // Until the last has been answered: the answers at the deadline come together, and after `over`.
  const probe = async () => {
    while (waiting) {
      lag = Math.max(lag, (await timed(() => service.anonymous.get('/health/live'))).ms);
      await setTimeout(20);
    }
  };
  lag = 0;
  const people = Promise.all(Array.from({ length: PEOPLE }, (_, index) => person(index))).finally(() => {
    waiting = false;
  });
  await Promise.all([people, probe()]);
  return answers;
}

/** The same, for so many milliseconds. */
async function loadFor(ms: number): Promise<Timed[]> {
  const end = Date.now() + ms;
  return load(() => Date.now() > end);
}

function expectNoFailure(answers: Timed[]): void {
  expect(answers.length).toBeGreaterThanOrEqual(PEOPLE);
  expect(answers.filter(({ status }) => status >= 500 && status !== 503)).toEqual([]);
  expect(answers.filter(({ status, headers }) => status === 503 && headers.get('retry-after') !== '1')).toEqual([]);
  expect(Math.max(...answers.map(({ ms }) => ms)) - lag).toBeLessThan(5000);
}

/** What an operator sees of a service: alive, ready, its metrics, and the orders in figures. */
const lookAt = (client: Client) =>
  Promise.all([
    timed(() => client.get('/health/live')),
    timed(() => client.get('/health/ready')),
    timed(() => client.get('/metrics')),
    timed(() => client.with({ accept: 'application/json' }).get('/metrics')),
  ]);

/** Everything works again within 5 s. */
async function expectRecovery(): Promise<void> {
  await eventually(
    async () => {
      const answers = await Promise.all([...requests, ...requests].map((request) => request()));
      return answers.every(({ status }) => status < 300);
    },
    'everything works again',
    5,
  );
  expect((await service.anonymous.get('/health/ready')).status).toBe(200);
  expect(service.output()).not.toMatch(/unhandled|INTERNAL_ERROR/i);
}

it('tells how it is within 5 s, although what it asks one after the other takes longer', async () => {
  const slow = await TcpProxy.before(app.databaseUrl);
  const { nest, origin } = await listen(testConfig(slow.url, { SERVICE_ROLE: 'api' }));
  const operator = new Client(origin);
  // So that all connections are open: over a slow network to open one takes longer than anybody waits for it.
  await Promise.all(Array.from({ length: 8 }, () => operator.get(`products/${lamp.id}`)));
  slow.delay = 1800;
  const [, ready, metrics, figures] = await lookAt(operator);
  slow.delay = 0;
  // Without a limit all of them would be answered in full, only later.
  expect([ready.status, metrics.status, figures.status]).toEqual([503, 200, 503]);
  expect(metrics.body).not.toContain('outbox_events');
  expect(ready.body.checks).toMatchObject({ database: 'ok', migrations: 'failed', queue: 'ok' });
  expect(Math.max(ready.ms, metrics.ms, figures.ms)).toBeLessThan(5000);
  await nest.close();
  await slow.close();
});

it('serves over a network that takes 200 ms longer', async () => {
  proxy.delay = 200;
  const answers = await loadFor(2000);
  proxy.delay = 0;
  expectNoFailure(answers);
  expect(answers.filter(({ status }) => status < 300).length).toBeGreaterThan(0);
  await expectRecovery();
});

it('answers within 5 s over a network that takes 2 s longer', async () => {
  proxy.delay = 2000;
  const answers = await loadFor(5000);
  const [live, ready, metrics, figures] = await lookAt(service.anonymous);
  proxy.delay = 0;
  expectNoFailure([...answers, live, ready, metrics, figures]);
  expect([live.status, metrics.status, figures.status]).toEqual([200, 200, 503]);
  await expectRecovery();
});

it('tells who changes something to come again when it takes too long', async () => {
  const { body: placed } = await order();
  proxy.delay = 1300;
  const { status, ms } = await timed(() => admin.patch(`orders/${placed.id}/status`, { status: 'cancelled' }));
  proxy.delay = 0;
  expect(status).toBe(503);
  expect(ms - lag).toBeLessThan(5000);
  await expectRecovery();
});

// 6 s pass each of the timeouts; SILENCE_MS=30000 is the size of the experiment by hand.
it('answers within 5 s while the database is silent, and is then alive but not ready', async () => {
  proxy.silent = true;
  const running = loadFor(Number(process.env.SILENCE_MS ?? 6000));
  await setTimeout(2000);
  const [live, ready, metrics, figures] = await lookAt(service.anonymous);
  const answers = await running;
  proxy.silent = false;
  expectNoFailure([...answers, live, ready, metrics, figures]);
  expect([live.status, ready.status, metrics.status]).toEqual([200, 503, 200]);
  await expectRecovery();
}, 90_000);

it('gives up connections whose other end has vanished without a word', async () => {
  proxy.strand();
  const answers = await loadFor(5000);
  expectNoFailure(answers);
  await expectRecovery();
  // The queue has connections of its own.
  const { body } = await order();
  await eventually(
    async () => (await admin.get(`orders/${body.id}`)).body.status === 'completed',
    'orders are processed again',
    30,
  );
});

it('is served anew after all connections were reset', async () => {
  const running = loadFor(1500);
  await setTimeout(500);
  proxy.cut();
  expectNoFailure(await running);
  await expectRecovery();
});
