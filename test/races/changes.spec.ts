import { startApp, type TestApp } from '../support/app';
import { type Answer, type Client, patiently } from '../support/client';
import { runIntoLock } from '../support/locks';
import { tally } from '../support/tally';

let app: TestApp;
let ann: Client;
let lamp: { id: number };
beforeAll(async () => {
  app = await startApp();
  ann = await app.newUser();
  lamp = await app.newProduct({ stock: 1000 });
});
afterAll(() => app.close());

const change = (id: number, status: string) => patiently(() => app.admin.patch(`orders/${id}/status`, { status }));
const cancel = (id: number) => patiently(() => ann.patch(`orders/${id}/cancel`));
const buy = (items: object[]) => patiently(() => ann.post('orders', { items }));
const stock = async () => (await app.anonymous.get(`products/${lamp.id}`)).body.stock;

/** An order of three lamps, after these changes of status. */
async function newOrder(...statuses: string[]): Promise<number> {
  const { body } = await buy([{ product_id: lamp.id, quantity: 3 }]);
  for (const status of statuses) await change(body.id, status);
  return body.id;
}

/** Runs the requests so that all of them have read the order before any may change it. */
const race = (id: number, ...requests: (() => Promise<Answer>)[]) =>
  runIntoLock(app.databaseUrl, `SELECT FROM orders WHERE id = ${id} FOR UPDATE`, requests);

describe.each<[string, string[], (id: number) => (() => Promise<Answer>)[], number[]]>([
  [
    'a cancellation and the start of processing',
    [],
    (id) => [() => cancel(id), () => change(id, 'processing')],
    [-3, 0],
  ],
  ['two cancellations', [], (id) => [() => cancel(id), () => cancel(id)], [-3]],
  [
    'a cancellation of a paid order and its processing',
    ['paid'],
    (id) => [() => cancel(id), () => change(id, 'processing')],
    [-3, 0],
  ],
  ['completion and failure', ['processing'], (id) => [() => change(id, 'completed'), () => change(id, 'failed')], [-3]],
  ['two completions', ['processing'], (id) => [() => change(id, 'completed'), () => change(id, 'completed')], [-3]],
  ['two requeues', ['processing', 'failed'], (id) => [() => change(id, 'pending'), () => change(id, 'pending')], [3]],
])('of %s', (_, before, requests, reservations) => {
  async function expectOneWinner(id: number, run: () => Promise<Answer[]>): Promise<void> {
    const { reserved } = await stock();
    expect(tally(await run())).toEqual({ 200: 1, INVALID_TRANSITION: 1 });
    expect(reservations).toContain((await stock()).reserved - reserved);
    const { history } = (await ann.get(`orders/${id}/history`)).body;
    expect(history).toHaveLength(before.length + 2);
  }

  it('one wins when both stand before the order, and its stock moves once', async () => {
    const id = await newOrder(...before);
    await expectOneWinner(id, () => race(id, ...requests(id)));
  });

  it('one wins in each of 10 races', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await newOrder(...before);
      await expectOneWinner(id, () => Promise.all(requests(id).map((request) => request())));
    }
  });
});

it('a payment and a cancellation at once end in a cancelled order, paid for or not', async () => {
  for (let round = 0; round < 10; round++) {
    const id = await newOrder();
    const [cancelled, paid] = await Promise.all([cancel(id), change(id, 'paid')]);
    expect([cancelled.status, [200, 409]]).toEqual([200, expect.arrayContaining([paid.status])]);
    expect((await ann.get(`orders/${id}`)).body.status).toBe('cancelled');
  }
});

it('of 20 cancellations of one order one is made, and the stock comes back once', async () => {
  const id = await newOrder();
  const { available } = await stock();
  expect(tally(await Promise.all(Array.from({ length: 20 }, () => cancel(id))))).toEqual({
    200: 1,
    INVALID_TRANSITION: 19,
  });
  expect((await stock()).available).toBe(available + 3);
});

it('the last pieces go either to a new order or to a requeued one', async () => {
  for (let round = 0; round < 10; round++) {
    const rare = await app.newProduct({ stock: 1 });
    const items = [{ product_id: rare.id, quantity: 1 }];
    const { body: order } = await buy(items);
    for (const status of ['processing', 'failed']) await change(order.id, status);
    const answers = await Promise.all([change(order.id, 'pending'), buy(items)]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'INSUFFICIENT_STOCK')).toHaveLength(1);
  }
});
