import { STREAM_TIMES } from '../../../src/feed/event-stream';
import { EventStreams } from '../../../src/feed/event-streams';
import { FeedTail } from '../../../src/feed/feed-tail';
import { UserCache } from '../../../src/users/user-cache';
import { ADMIN, listen, logIn, PASSWORD, startApp, type TestApp, testConfig } from '../../support/app';
import { Client } from '../../support/client';
import { StreamClient } from '../../support/event-stream';
import { eventually } from '../../support/eventually';

const times = { ...STREAM_TIMES };
let app: TestApp;
let ann: Client & { id: number; email: string };
const open: StreamClient[] = [];
beforeAll(async () => {
  app = await startApp({ EVENT_STREAMS: '8', EVENT_STREAMS_PER_PRINCIPAL: '3' });
  ann = await app.newUser();
});
afterEach(async () => {
  Object.assign(STREAM_TIMES, times);
  await Promise.all(open.splice(0).map((stream) => stream.close()));
  await eventually(() => openStreams() === 0, 'no stream is open');
});
afterAll(() => app.close());

const openStreams = () => (app.nest.get(EventStreams) as unknown as { open: Map<unknown, unknown> }).open.size;

async function connect(client: Client, query = '', headers: Record<string, string> = {}): Promise<StreamClient> {
  const { headers: own } = client as unknown as { headers: Record<string, string> };
  const stream = await StreamClient.open(`${client.origin}/api/v1/events/stream${query}`, { ...own, ...headers });
  open.push(stream);
  return stream;
}

async function place(client: Client): Promise<number> {
  const lamp = await app.newProduct();
  return (await client.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] })).body.id;
}

/** The latest position, once nothing waits to be logged any more. */
async function latest(): Promise<number> {
  await eventually(async () => (await app.sql('SELECT FROM outbox')).length === 0, 'the outbox is empty');
  return (await app.sql('SELECT last FROM feed_position'))[0].last;
}
/** What the process keeps of the log in memory is forgotten once it has been without a stream for a moment. */
const forgotten = () =>
  eventually(() => !(app.nest.get(FeedTail) as unknown as { running: boolean }).running, 'the memory is empty');
const received = (stream: StreamClient, count: number) =>
  eventually(() => stream.events.length >= count, `${count} events arrive`);
const refused = async (client: Client, query = '') => {
  const { status, headers, body } = await client.get(`events/stream${query}`);
  return { status, code: body.code, retryAfter: headers.get('retry-after') };
};

it('sends events as they happen, as the list shows them', async () => {
  const stream = await connect(ann);
  expect(Object.fromEntries(stream.response.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const id = await place(ann);
  await place(await app.newUser());
  await ann.patch(`orders/${id}/cancel`, {});
  await received(stream, 2);
  const { events } = (await ann.get(`events?order_id=${id}`)).body;
  expect(stream.events.map(({ data }) => data)).toEqual(events);
  expect(stream.events.map(({ id, type }) => [id, type])).toEqual(
    events.map(({ position, type }: { position: number; type: string }) => [String(position), type]),
  );
});

it('goes on after Last-Event-ID, which goes before the query', async () => {
  const before = await latest();
  const id = await place(ann);
  const following = await connect(ann, '', { 'last-event-id': String(before) });
  await received(following, 1);
  expect(following.events[0]?.data.order_id).toBe(id);
  const later = await connect(ann, '?after=0', { 'last-event-id': String(before) });
  await received(later, 1);
  expect(later.events[0]?.data.order_id).toBe(id);
});

it('narrows by type and order', async () => {
  const id = await place(ann);
  const stream = await connect(app.admin, `?after=0&type=order.cancelled&order_id=${id}`);
  await ann.patch(`orders/${await place(ann)}/cancel`, {});
  await ann.patch(`orders/${id}/cancel`, {});
  await received(stream, 1);
  expect(stream.events.map(({ type, data }) => [type, data.order_id])).toEqual([['order.cancelled', id]]);
});

it('reads what lies behind the memory of the process from the table', async () => {
  for (let n = 0; n < 3; n++) await place(ann);
  const end = await latest();
  await forgotten();
  const near = await connect(app.admin);
  const far = await connect(app.admin, '?after=0');
  const id = await place(ann);
  await received(near, 1);
  await eventually(() => far.events.at(-1)?.data.order_id === id, 'the last event arrives');
  expect(far.events.map(({ data }) => data.position)).toEqual(Array.from({ length: end + 1 }, (_, index) => index + 1));
});

it('sends a beat with the position that was searched', async () => {
  STREAM_TIMES.beat = 50;
  const stream = await connect(await app.newUser());
  await place(ann);
  const end = await latest();
  await eventually(() => stream.beats > 0 && stream.lastId === String(end), 'a beat tells the latest position');
  expect(stream.events).toEqual([]);
});

it.each([
  ['last-event-id', 'x'],
  ['last-event-id', '-1'],
  ['last-event-id', '01'],
  ['last-event-id', '999999'],
])('refuses %s: %s', async (name, value) => {
  const answer = await app.admin.with({ [name]: value }).get('events/stream');
  expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'Last-Event-ID']);
});

it.each([
  ['application/json', 406],
  ['text/event-stream;q=0', 406],
  ['text/event-stream;q=0, */*', 406],
  ['text/*', 200],
  ['application/json, */*;q=0.1', 200],
  ['TEXT/EVENT-STREAM', 200],
])('answers Accept: %s with %d', async (accept, status) => {
  expect((await app.admin.with({ accept }).get('events/stream')).status).toBe(status);
});

it('limits the streams of one reader and of the process', async () => {
  for (let n = 0; n < 3; n++) await connect(ann);
  expect(await refused(ann)).toEqual({ status: 429, code: 'TOO_MANY_STREAMS', retryAfter: '5' });
  const others = [await app.newUser(), await app.newUser()];
  for (const other of others) for (let n = 0; n < 3 && openStreams() < 8; n++) await connect(other);
  expect(await refused(app.admin)).toEqual({ status: 429, code: 'TOO_MANY_STREAMS', retryAfter: '5' });
  await open.pop()?.close();
  await eventually(() => openStreams() === 7, 'the closed stream is gone');
  await connect(app.admin);
});

it('a HEAD of it opens no stream', async () => {
  const { status } = await app.admin.send('HEAD', 'events/stream');
  expect(status).toBe(200);
  await eventually(() => openStreams() === 0, 'it is closed again');
});

it('ends when the reader is deactivated, gets another role or another password', async () => {
  const [gone, promoted, changed] = await Promise.all([app.newUser(), app.newUser(), app.newUser()]);
  const streams = [await connect(gone), await connect(promoted), await connect(changed)];
  await app.admin.patch(`users/${gone.id}`, { active: false });
  await app.admin.patch(`users/${promoted.id}`, { role: 'admin', current_password: ADMIN.password });
  await changed.post('auth/password', { current_password: PASSWORD, new_password: 'another long password' });
  for (const stream of streams) await eventually(() => stream.ended, 'the stream ends');
  expect(streams.map(({ ended }) => ended)).toEqual(Array(3).fill('ACCESS_REVOKED'));
});

it('ends when another process has changed the reader or the API client', async () => {
  const [user, service] = [await app.newUser(), await app.newService()];
  const streams = [await connect(user), await connect(service)];
  await app.sql('UPDATE users SET active = false WHERE id = $1', [user.id]);
  await app.sql(`DELETE FROM api_clients WHERE id = $1`, [service.id]);
  for (const stream of streams) await eventually(() => stream.ended, 'the stream ends');
  expect(streams.map(({ ended }) => ended)).toEqual(['ACCESS_REVOKED', 'ACCESS_REVOKED']);
});

it('ends when the token does', async () => {
  const stream = await connect(await app.newUser());
  const now = Date.now();
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now + 16 * 60_000);
  await eventually(() => stream.ended, 'the stream ends');
  clock.mockRestore();
  expect(stream.ended).toBe('TOKEN_EXPIRED');
});

it('sends nothing while it cannot find out whether the reader still has access', async () => {
  const reader = await app.newUser();
  const [stream, control] = [await connect(reader), await connect(app.admin)];
  const users = app.nest.get(UserCache);
  const get = users.get.bind(users);
  const state = jest
    .spyOn(users, 'get')
    .mockImplementation((id) => (id === reader.id ? Promise.reject(new Error('away')) : get(id)));
  const lamp = await app.newProduct();
  await app.admin.post('orders', { user_id: reader.id, items: [{ product_id: lamp.id, quantity: 1 }] });
  await received(control, 1);
  await control.close();
  expect(stream.events).toEqual([]);
  state.mockRestore();
  await received(stream, 1);
});

/** Adds more events than the buffers hold between the process and a client that does not read. */
async function fill(): Promise<void> {
  await latest();
  await app.sql(
    `WITH state AS (SELECT last FROM feed_position), filled AS (
       INSERT INTO events (position, id, type, user_id, payload, created_at)
       SELECT last + n, gen_random_uuid(), 'order.edited', 1, jsonb_build_object('reason', repeat('x', 5000)), now()
       FROM state, generate_series(1, 5000) AS n)
     UPDATE feed_position SET last = last + 5000`,
  );
}

/** Connects as an admin, and reads nothing. */
async function connectSilently(): Promise<Response> {
  const { headers } = app.admin as unknown as { headers: Record<string, string> };
  return fetch(`${app.origin}/api/v1/events/stream?after=0`, { headers });
}

it('destroys a stream whose client takes nothing', async () => {
  await fill();
  STREAM_TIMES.stall = 0;
  const response = await connectSilently();
  await eventually(() => openStreams() === 0, 'the stream is destroyed');
  await expect(response.text()).rejects.toThrow();
});

it('ends when events that its client has not taken yet are deleted', async () => {
  // The stream would go on from memory.
  await forgotten();
  await fill();
  const response = await connectSilently();
  await app.sql('WITH deleted AS (DELETE FROM events) UPDATE feed_position SET purged = last');
  const stream = StreamClient.from(response);
  open.push(stream);
  await eventually(() => stream.ended, 'the stream ends');
  expect(stream.ended).toBe('EVENTS_EXPIRED');
  const positions = stream.events.map(({ data }) => data.position);
  expect(positions).toEqual(positions.map((_, index) => positions[0] + index));
});

it('ends with a reason at a shutdown, and holds nothing up', async () => {
  const other = await listen(testConfig(app.databaseUrl, { SERVICE_ROLE: 'api' }));
  const admin = await logIn(new Client(other.origin), ADMIN);
  const stream = await connect(admin);
  await other.nest.close();
  await eventually(() => stream.ended, 'the stream ends');
  expect(stream.ended).toBe('SHUTTING_DOWN');
});
