import { setTimeout } from 'node:timers/promises';
import { ADMIN, logIn, startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import { type Client, patiently } from '../support/client';
import { follow, StreamClient } from '../support/event-stream';
import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';
import { sized } from '../support/size';

const STREAMS = sized(200, 24);
const KILLS = sized(12, 2);

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'worker' });
});
afterAll(() => app.close());

const startApi = (): Promise<Service> =>
  startService(BUILD, {
    DATABASE_URL: app.databaseUrl,
    SERVICE_ROLE: 'api',
    EVENT_STREAMS_PER_PRINCIPAL: '500',
  });

const headersOf = (client: Client) => (client as unknown as { headers: Record<string, string> }).headers;

/** Places orders one after the other and edits each, at whichever process is up. */
async function trade(admin: Client, product: number, apis: () => Service[], done: () => boolean): Promise<void> {
  while (!done()) {
    const [api] = apis();
    if (!api) continue;
    const client = admin.at(api.origin);
    try {
      const { body } = await patiently(() => client.post('orders', { items: [{ product_id: product, quantity: 1 }] }));
      await client.patch(`orders/${body.id}`, { note: 'Ring twice.' });
    } catch {
      // Killed while it answered.
      await setTimeout(20);
    }
  }
}

it('gives every client each event once and in order, while the processes that serve them are killed', async () => {
  let apis: Service[] = await Promise.all([startApi(), startApi(), startApi()]);
  const admin = await logIn(apis[0]?.anonymous as Client, ADMIN);
  const { body: lamp } = await admin.post('products', { name: 'Lamp', price_cents: 100, stock: 100_000 });

  let trading = true;
  let end: number | undefined;
  const origins = () => apis.map(({ origin }) => origin);
  const clients = Array.from({ length: STREAMS }, () =>
    follow(origins, headersOf(admin), (positions) => end !== undefined && positions.length >= end),
  );
  const traders = [0, 1, 2].map((index) =>
    trade(
      admin,
      lamp.id,
      () => apis.toSpliced(0, index).concat(apis),
      () => !trading,
    ),
  );
  const position = async () => (await app.sql('SELECT last FROM feed_position'))[0].last as number;
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await position();
    await eventually(async () => (await position()) > before + 20, 'events go on');
    const victim = apis[kill % apis.length] as Service;
    apis = apis.filter((api) => api !== victim);
    await victim.kill();
    apis = [...apis, await startApi()];
  }
  trading = false;
  await Promise.all(traders);
  await eventually(async () => (await app.sql('SELECT FROM outbox')).length === 0, 'the outbox is empty');
  end = await position();
  const all = Array.from({ length: end }, (_, index) => index + 1);
  for (const positions of await Promise.all(clients)) expect(positions).toEqual(all);
  await Promise.all(apis.map((api) => api.terminate()));
}, 300_000);

it('an API that is told to end tells its streams so, and does not wait for clients that take nothing', async () => {
  const api = await startApi();
  const admin = await logIn(api.anonymous, ADMIN);
  const url = `${api.origin}/api/v1/events/stream`;
  const stream = await StreamClient.open(url, headersOf(admin));
  await app.sql(
    `WITH state AS (SELECT last FROM feed_position), filled AS (
       INSERT INTO events (position, id, type, user_id, payload, created_at)
       SELECT last + n, gen_random_uuid(), 'order.edited', 1, jsonb_build_object('reason', repeat('x', 5000)), now()
       FROM state, generate_series(1, 5000) AS n)
     UPDATE feed_position SET last = last + 5000`,
  );
  const silent = await fetch(`${url}?after=0`, { headers: headersOf(admin) });
  await eventually(() => stream.events.length >= 5000, 'the other stream has taken all');
  expect(await api.terminate()).toBe(0);
  await eventually(() => stream.ended, 'the stream ends');
  expect(stream.ended).toBe('SHUTTING_DOWN');
  await expect(silent.text()).rejects.toThrow();
});
