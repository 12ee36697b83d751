import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { logIn, PASSWORD, startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import { patiently } from '../support/client';
import { eventually } from '../support/eventually';
import { Fulfillment, json } from '../support/fulfillment';
import { holdLock } from '../support/locks';
import { type Service, startService } from '../support/service';
import { sized } from '../support/size';
import { mailsAbout, SmtpSink } from '../support/smtp';

let app: TestApp;
let fulfillment: Fulfillment;
let smtp: SmtpSink;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
  fulfillment = await Fulfillment.start();
  smtp = await new SmtpSink().start();
});
afterAll(async () => {
  await app.close();
  await fulfillment.close();
  await smtp.stop();
});

const startApi = (): Promise<Service> => startService(BUILD, { DATABASE_URL: app.databaseUrl, SERVICE_ROLE: 'api' });
const startWorker = (): Promise<Service> =>
  startService(BUILD, {
    DATABASE_URL: app.databaseUrl,
    SERVICE_ROLE: 'worker',
    SMTP_URL: smtp.url,
    GATEWAY: 'http',
    GATEWAY_URL: fulfillment.url,
    GATEWAY_SECRET: 'a-gateway-secret-for-tests-of-32-bytes',
  });

/** What a client meets who comes too late: no connection, or one that is closed before the request was taken. */
const TOO_LATE = /ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/;

it.each(sized([1, 2, 3, 4, 5], [1]))(
  'an API that is told to end under load answers every request that it has taken (round %i)',
  async () => {
    const lamp = await app.newProduct({ stock: 100_000 });
    const { email } = await app.newUser();
    let running = 0;
    // Long enough that there are always some in hand.
    fulfillment.answer = (response) => {
      running++;
      setTimeout(() => {
        running--;
        json(response, 200, { outcome: 'success' });
      }, 200);
    };
    const [service, worker] = await Promise.all([startApi(), startWorker()]);
    const buyer = await logIn(service.anonymous, { email, password: PASSWORD });
    let placed = 0;
    let asked = false;
    /** Orders on kept connections until there is nobody to take one; returns why. */
    const order = async (): Promise<string> => {
      for (;;) {
        try {
          const once = buyer.with({ 'idempotency-key': randomUUID() });
          const send = () => once.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
          // A busy machine may ask to come again, but not because of the end.
          const { status } = await patiently(send, (time) => !asked && time < 10);
          expect(status).toBe(201);
          placed++;
        } catch (error) {
          const { code } = (error as { cause?: { code?: string } }).cause ?? {};
          if (!code) throw error;
          return code;
        }
      }
    };
    const buyers = Promise.all(Array.from({ length: 8 }, order));
    await eventually(() => placed >= 50 && running > 0, 'the load is on');
    asked = true;
    // A process gives up with exit code 1 after 10 s.
    expect(await Promise.all([service.terminate(), worker.terminate()])).toEqual([0, 0]);
    for (const code of await buyers) expect(code).toMatch(TOO_LATE);
    const [{ count }] = await app.sql('SELECT count(*)::int FROM order_items WHERE product_id = $1', [lamp.id]);
    expect(count).toBe(placed);
    expect(await app.sql('SELECT id FROM orders WHERE lease_until > now()')).toEqual([]);
  },
);

it('a worker that is told to end at the same time finishes what it has in hand: nothing is lost or done twice', async () => {
  fulfillment.answer = (response) => json(response, 200, { outcome: 'success' });
  const worker = await startWorker();
  const open = () => app.sql(`SELECT FROM orders WHERE status <> 'completed'`);
  await eventually(async () => (await open()).length === 0, 'every order is completed');
  const ids: number[] = (await app.sql('SELECT id FROM orders ORDER BY id')).map(({ id }: { id: number }) => id);
  expect(fulfillment.calls.map(({ order }) => order.id).sort((a, b) => a - b)).toEqual(ids);
  const mails = mailsAbout(ids);
  await eventually(() => smtp.delivered.length >= mails.length, 'every mail is out');
  expect(await worker.terminate()).toBe(0);
  expect(smtp.delivered.map(({ reference }) => reference).sort()).toEqual(mails.sort());
});

/** It has begun to end: nobody is let in any more. */
const letsNobodyIn = ({ origin }: Service) =>
  eventually(
    () =>
      fetch(`${origin}/health/live`).then(
        () => false,
        () => true,
      ),
    'nobody is let in any more',
  );

it('an API that is told to end answers a request of which it has only read the beginning', async () => {
  const service = await startApi();
  const socket = connect(Number(new URL(service.origin).port), '127.0.0.1');
  socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n');
  // What came before this has been read.
  await service.anonymous.get('/health/live');
  const ended = service.terminate();
  await letsNobodyIn(service);
  socket.write('\r\n');
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is);
  expect(await ended).toBe(0);
});

it('an API that is told to end does not wait for connections that nobody uses any more', async () => {
  const lamp = await app.newProduct();
  const { email } = await app.newUser();
  const service = await startApi();
  const buyer = await logIn(service.anonymous, { email, password: PASSWORD });
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${lamp.id} FOR UPDATE`);
  const order = buyer.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  await lock.waitedForBy(1);
  const ended = service.terminate();
  await letsNobodyIn(service);
  await lock.release();
  const { status, headers } = await order;
  expect([status, headers.get('connection')]).toEqual([201, 'close']);
  expect(await ended).toBe(0);
});

it('an API that is told to end does not wait for connections that have sent nothing', async () => {
  const service = await startApi();
  const socket = connect(Number(new URL(service.origin).port), '127.0.0.1');
  await once(socket, 'connect');
  await service.anonymous.get('/health/live');
  expect(await service.terminate()).toBe(0);
  socket.destroy();
});
