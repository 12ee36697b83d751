import fc from 'fast-check';
import { PASSWORD } from './app';
import type { Answer } from './client';
import type { Shop } from './shop';
import {
  type Line,
  type ModelOrder,
  type ModelProduct,
  type Outcome,
  type ShopModel,
  STATUSES,
  type Status,
} from './shop-model';

type Command = fc.AsyncCommand<ShopModel, Shop>;

/** A command with its arguments; `possible` says whether it makes sense yet. */
function command<T extends unknown[]>(
  name: string,
  values: fc.Arbitrary<T>,
  possible: (model: ShopModel) => boolean,
  run: (model: ShopModel, shop: Shop, ...values: T) => Promise<void>,
): fc.Arbitrary<Command> {
  return values.map((given) => ({
    check: possible,
    run: (model, shop) => run(model, shop, ...given),
    toString: () => `${name}(${given.map((value) => JSON.stringify(value)).join(', ')})`,
  }));
}

const always = () => true;
const hasOrders = ({ orders }: ShopModel) => orders.length > 0;
const one = <T>(list: readonly T[], index: number) => list[index % list.length] as T;
const index = fc.nat(11);

/** Expects a refusal with this code, or else this status. */
function expectAnswer({ status, body }: Answer, refusal: string | undefined, good: number): void {
  expect(refusal ? [status, body.code] : [status]).toEqual(refusal ? [409, refusal] : [good]);
}

const register = command(
  'register',
  fc.tuple(),
  ({ customers }) => customers.length < 4,
  async (model, shop) => {
    model.customers.push(await shop.app.newUser());
  },
);

const registerAgain = command('registerAgain', fc.tuple(index), always, async (model, shop, who) => {
  const person = { name: 'Bob', email: one(model.customers, who).email.toUpperCase(), password: PASSWORD };
  expectAnswer(await shop.app.anonymous.post('auth/register', person), 'EMAIL_TAKEN', 201);
});

const wantedLines = fc.array(fc.record({ product: index, quantity: fc.integer({ min: 1, max: 4 }) }), {
  minLength: 1,
  maxLength: 3,
});
const outcome = fc.constantFrom<Outcome>('success', 'success', 'failure');

/** What the customer says the total is: nothing, the truth, or now and then a cent less. */
const expectation = fc.constantFrom('none', 'none', 'right', 'right', 'wrong');

/** Places an order, and then once more with the same key. */
const order = command(
  'order',
  fc.tuple(index, wantedLines, outcome, expectation),
  always,
  async (model, _shop, who, wanted, outcome, expected) => {
    const lines: Line[] = wanted.map(({ product, quantity }) => ({ product: one(model.products, product), quantity }));
    const total = lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
    const body = {
      items: lines.map(({ product, quantity }) => ({ product_id: product.id, quantity })),
      metadata: { outcome },
      ...(expected === 'right' && { expected_total_cents: total }),
      ...(expected === 'wrong' && { expected_total_cents: total - 1 }),
    };
    const customer = who % model.customers.length;
    const key = `${model.orders.length}-${lines[0]?.product.id}`;
    const place = () => one(model.customers, customer).with({ 'idempotency-key': key }).post('orders', body);
    if (expected === 'wrong') return expectAnswer(await place(), 'PRICE_CHANGED', 201);
    const placed = model.place(customer, lines, outcome);
    const answer = await place();
    expectAnswer(answer, placed ? undefined : 'INSUFFICIENT_STOCK', 201);
    if (!placed) return;
    placed.id = answer.body.id;
    expect((await place()).body.id).toBe(placed.id);
  },
);

const restock = command(
  'restock',
  fc.tuple(
    index,
    fc.integer({ min: -8, max: 8 }).filter((delta) => delta !== 0),
  ),
  always,
  async (model, shop, which, delta) => {
    const product = one(model.products, which);
    const answer = await shop.app.admin.post(`products/${product.id}/stock`, { delta, reason: 'Counted' });
    const refused = product.onHand + delta < product.reserved;
    expectAnswer(answer, refused ? 'INSUFFICIENT_STOCK' : undefined, 200);
    if (!refused) product.onHand += delta;
  },
);

const price = command(
  'price',
  fc.tuple(index, fc.integer({ min: 1, max: 9999 })),
  always,
  async (model, shop, which, price_cents) => {
    const product = one(model.products, which);
    expectAnswer(await shop.app.admin.patch(`products/${product.id}`, { price_cents }), undefined, 200);
    product.price = price_cents;
  },
);

/** By the customer, or by another one, for whom there is no such order. */
const cancel = command('cancel', fc.tuple(index, index), hasOrders, async (model, _shop, which, who) => {
  const order = one(model.orders, which);
  const customer = who % model.customers.length;
  const answer = await one(model.customers, customer).patch(`orders/${order.id}/cancel`);
  if (customer === order.customer) expectAnswer(answer, model.change(order, 'cancelled'), 200);
  else expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
});

const changeStatus = command(
  'changeStatus',
  fc.tuple(index, fc.constantFrom(...STATUSES)),
  hasOrders,
  async (model, shop, which, status) => {
    const order = one(model.orders, which);
    const answer = await shop.app.admin.patch(`orders/${order.id}/status`, { status });
    expectAnswer(answer, model.change(order, status), 200);
  },
);

const sweep = command('sweep', fc.tuple(), always, async (model, shop) => {
  const due = model.orders.filter(({ status }) => status === 'pending' || status === 'paid');
  expect((await shop.app.admin.post('processing/runs')).body.queued).toBe(addTo(model.waiting, due));
});

/** Returns how many were not there already. */
function addTo(waiting: Set<number>, orders: ModelOrder[]): number {
  const before = waiting.size;
  for (const { id } of orders) waiting.add(id);
  return waiting.size - before;
}

/** A worker does all that waits. */
const work = command('work', fc.tuple(), always, async (model, shop) => {
  for (const order of await takeJobs(model, shop)) {
    await shop.process(order.id);
    if (model.claim(order)) model.settle(order, order.attempt, order.outcome);
  }
});

async function takeJobs(model: ShopModel, shop: Shop): Promise<ModelOrder[]> {
  const ids = (await shop.takeJobs()).sort((a, b) => a - b);
  expect(ids).toEqual([...model.waiting].sort((a, b) => a - b));
  model.waiting.clear();
  return model.orders.filter(({ id }) => ids.includes(id));
}

/** A worker takes all that waits, and dies of each in the middle. */
const kill = command('kill', fc.tuple(), always, async (model, shop) => {
  for (const order of await takeJobs(model, shop)) {
    if (model.claim(order)) await shop.processAndDie(order.id, order.attempt);
    else await shop.process(order.id);
  }
});

/** The leases of the dead run out. */
const recover = command('recover', fc.tuple(), always, async (model, shop) => {
  const left = model.orders.filter(({ leased }) => leased);
  for (const order of left) order.expired = true;
  expect(await shop.recover(left.map(({ id }) => id))).toBe(addTo(model.waiting, left));
});

/** One of the dead was only slow. */
const wake = command('wake', fc.tuple(index, outcome), always, async (model, shop, which, outcome) => {
  const [worker] = shop.dead.splice(which % (shop.dead.length || 1), 1);
  if (!worker) return;
  await worker.wake(outcome);
  const order = model.orders.find(({ id }) => id === worker.orderId) as ModelOrder;
  model.settle(order, worker.attempt, outcome);
});

/** Each change of an order has its mail waiting, once. */
const mail = command('mail', fc.tuple(), hasOrders, async (model, shop) => {
  const rows = await shop.app.sql(
    `SELECT aggregate_id AS order_id, sequence, topic FROM outbox
     WHERE aggregate_type = 'order' AND aggregate_id = ANY($1) ORDER BY aggregate_id, sequence`,
    [model.orders.map(({ id }) => id)],
  );
  const due = model.orders.flatMap(({ id, events }) =>
    events.map(({ version, topic }) => ({ order_id: id, sequence: version, topic })),
  );
  expect(rows).toEqual(due);
});

const look = command('look', fc.tuple(), always, expectShown);

/** Holds what the service shows of every order and product against the model. */
export async function expectShown(model: ShopModel, shop: Shop): Promise<void> {
  for (const order of model.orders) await expectOrder(model, order);
  for (const product of model.products) await expectProduct(shop, product);
}

async function expectOrder({ customers }: ShopModel, order: ModelOrder): Promise<void> {
  const { id, customer, status, version, total, events } = order;
  const path = `orders/${id}`;
  const client = one(customers, customer);
  const { body } = await client.get(path);
  expect(body).toMatchObject({ id, status, version, total_amount_cents: total });
  const { history } = (await client.get(`${path}/history`)).body;
  expect(history.map(({ to_status }: { to_status: Status }) => to_status)).toEqual(events.map(({ status }) => status));
}

async function expectProduct(shop: Shop, { id, price, onHand, reserved }: ModelProduct): Promise<void> {
  const { body } = await shop.app.anonymous.get(`products/${id}`);
  const stock = { on_hand: onHand, reserved, available: onHand - reserved };
  expect(body).toMatchObject({ id, price_cents: price, stock });
}

/** With weights: most commands have nothing to do before there are orders, and before some of them were swept. */
export const COMMANDS: fc.Arbitrary<Command>[] = Object.entries({
  6: [order],
  4: [sweep, recover],
  3: [kill, changeStatus],
  2: [work, wake, cancel, restock],
  1: [register, registerAgain, price, mail, look],
}).flatMap(([weight, commands]) => commands.flatMap((one) => Array(Number(weight)).fill(one)));
