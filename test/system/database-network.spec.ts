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

/** What several people who never pause are answered until `over`, when they have that many answers. */
async function load(over: (answered: number) => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  const person = async (index: number) => {
    for (let count = index; !over(answers.length); count++)
      answers.push(await (requests[count % requests.length] as typeof order)());
  };
  await Promise.all(Array.from({ length: PEOPLE }, (_, index) => person(index)));
  return answers;
}

/** The same, for so many milliseconds and until the last of them has an answer. */
async function loadFor(ms: number): Promise<Answer[]> {
  const end = performance.now() + ms;
  return load(() => performance.now() > end);
}

function expectNoFailure(answers: Answer[]): void {
  expect(answers.length).toBeGreaterThanOrEqual(PEOPLE);
  expect(answers.filter(({ status }) => status >= 500 && status !== 503)).toEqual([]);
  expect(answers.filter(({ status, headers }) => status === 503 && headers.get('retry-after') !== '1')).toEqual([]);
}

/** What an operator sees of a service: alive, ready, its metrics, and the orders in figures. */
const lookAt = (client: Client) =>
  Promise.all([
    client.get('/health/live'),
    client.get('/health/ready'),
    client.get('/metrics'),
    client.with({ accept: 'application/json' }).get('/metrics'),
  ]);

/** Everything works again. */
async function expectRecovery(): Promise<void> {
  await eventually(async () => {
    const answers = await Promise.all([...requests, ...requests].map((request) => request()));
    return answers.every(({ status }) => status < 300);
  }, 'everything works again');
  expect((await service.anonymous.get('/health/ready')).status).toBe(200);
  expect(service.output()).not.toMatch(/unhandled|INTERNAL_ERROR/i);
}

it('reports its state without what the database takes too long for', async () => {
  const slow = await TcpProxy.before(app.databaseUrl);
  const { nest, origin } = await listen(testConfig(slow.url, { SERVICE_ROLE: 'api' }));
  const operator = new Client(origin);
  // Open all connections first: over a slow network that takes longer than requests wait for one.
  await Promise.all(Array.from({ length: 8 }, () => operator.get(`products/${lamp.id}`)));
  slow.delay = 1800;
  const [, ready, metrics, figures] = await lookAt(operator);
  slow.delay = 0;
  // Without a limit all of them would be answered in full, only later.
  expect([ready.status, metrics.status, figures.status]).toEqual([503, 200, 503]);
  expect(metrics.body).not.toContain('outbox_events');
  expect(ready.body.checks).toMatchObject({ database: 'ok', migrations: 'failed', queue: 'ok' });
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

it('answers every request while its network takes 2 s longer', async () => {
  proxy.delay = 2000;
  const answers = await loadFor(5000);
  const [live, ready, metrics, figures] = await lookAt(service.anonymous);
  proxy.delay = 0;
  expectNoFailure([...answers, live, ready, metrics, figures]);
  expect([live.status, metrics.status, figures.status]).toEqual([200, 200, 503]);
  await expectRecovery();
});

it('answers a change that takes too long with 503', async () => {
  const { body: placed } = await order();
  proxy.delay = 1300;
  const { status } = await admin.patch(`orders/${placed.id}/status`, { status: 'cancelled' });
  proxy.delay = 0;
  expect(status).toBe(503);
  await expectRecovery();
});

// 6 s are longer than each of the timeouts; SILENCE_MS=30000 is the size of the experiment by hand.
it('answers every request while the database is silent, and is then alive but not ready', async () => {
  proxy.silent = true;
  const running = loadFor(Number(process.env.SILENCE_MS ?? 6000));
  const [live, ready, metrics, figures] = await lookAt(service.anonymous);
  const answers = await running;
  proxy.silent = false;
  expectNoFailure([...answers, live, ready, metrics, figures]);
  expect([live.status, ready.status, metrics.status]).toEqual([200, 503, 200]);
  await expectRecovery();
});

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
  );
});

it('is served anew after all connections were reset', async () => {
  let cut = 0;
  const answers = await load((answered) => {
    if (cut === 0 && answered > 2 * PEOPLE) {
      cut = answered;
      proxy.cut();
    }
    return cut > 0 && answered > cut + 2 * PEOPLE;
  });
  expectNoFailure(answers);
  await expectRecovery();
});
