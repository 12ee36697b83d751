import { setTimeout } from 'node:timers/promises';
import { startApp, type TestApp } from '../support/app';
import { type Answer, type Client, patiently } from '../support/client';
import { connected, endConnections } from '../support/database';
import { holdLock } from '../support/locks';
import { random } from '../support/random';
import { tally } from '../support/tally';

let app: TestApp;
let buyers: Client[];
beforeAll(async () => {
  app = await startApp();
  buyers = await Promise.all(Array.from({ length: 4 }, () => app.newUser()));
});
afterAll(async () => {
  // What a deadlock ends is run again, so no answer tells of it: locks are taken in one order, and there is none.
  await endConnections(app.databaseUrl);
  const { rows } = await connected(app.databaseUrl, (client) =>
    client.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'),
  );
  await app.close();
  expect(rows).toEqual([{ deadlocks: 0 }]);
});

/** The buyer of this number; waits and tries again where the machine is too busy for all of them at once. */
const buy = (index: number, body: object) =>
  patiently(() => (buyers[index % buyers.length] as Client).post('orders', body));
const change = (id: number, status: string) => patiently(() => app.admin.patch(`orders/${id}/status`, { status }));
const stockOf = async ({ id }: { id: number }) => (await app.anonymous.get(`products/${id}`)).body.stock;
const order = (...lines: [{ id: number }, number][]) => ({
  items: lines.map(([{ id: product_id }, quantity]) => ({ product_id, quantity })),
});

describe.each([1, 2, 3, 4, 5])('100 buyers at once (SEED=%d)', (seed) => {
  it('of 10 pieces get exactly 10', async () => {
    const next = random(seed);
    const lamp = await app.newProduct({ stock: 10 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        await setTimeout(next() * 30);
        return buy(index, order([lamp, 1]));
      }),
    );
    expect(tally(answers)).toEqual({ 201: 10, INSUFFICIENT_STOCK: 90 });
    expect(await stockOf(lamp)).toEqual({ on_hand: 10, reserved: 10, available: 0 });
  });

  it('who want 1 to 5 pieces of 40 are refused only what is not there', async () => {
    const next = random(seed);
    const lamp = await app.newProduct({ stock: 40 });
    const wishes = Array.from({ length: 100 }, () => 1 + Math.floor(next() * 5));
    const answers = await Promise.all(wishes.map((quantity, index) => buy(index, order([lamp, quantity]))));
    const { available } = await stockOf(lamp);
    const sold = wishes.filter((_, index) => answers[index]?.status === 201);
    expect(sold.reduce((sum, quantity) => sum + quantity)).toBe(40 - available);
    // Stock only went down, so whoever was refused must still be out of luck.
    for (const [index, quantity] of wishes.entries()) {
      if (answers[index]?.status !== 201)
        expect([answers[index]?.body.code, quantity > available]).toEqual(['INSUFFICIENT_STOCK', true]);
    }
  });
});

it("200 orders over two products, in either order, do not stand in each other's way", async () => {
  const [lamp, desk] = [await app.newProduct({ stock: 1000 }), await app.newProduct({ stock: 1000 })];
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      buy(index, index % 2 ? order([lamp, 1], [desk, 2]) : order([desk, 2], [lamp, 1])),
    ),
  );
  expect(tally(answers)).toEqual({ 201: 200 });
  expect([(await stockOf(lamp)).reserved, (await stockOf(desk)).reserved]).toEqual([200, 400]);
});

it('orders, cancellations and completions over two products in either order neither block nor lose a piece', async () => {
  const [lamp, desk] = [await app.newProduct({ stock: 1000 }), await app.newProduct({ stock: 1000 })];
  const both = (index: number) => (index % 2 ? order([lamp, 1], [desk, 1]) : order([desk, 1], [lamp, 1]));
  const open = await Promise.all(Array.from({ length: 40 }, async (_, index) => (await buy(0, both(index))).body.id));
  const ends = open.map((id, index) =>
    index % 2
      ? patiently(() => app.admin.patch(`orders/${id}/cancel`))
      : change(id, 'processing').then(() => change(id, 'completed')),
  );
  const placed = Array.from({ length: 40 }, (_, index) => buy(index, both(index)));
  expect(tally(await Promise.all<Answer>([...ends, ...placed]))).toEqual({ 200: 40, 201: 40 });
  for (const product of [lamp, desk])
    expect(await stockOf(product)).toEqual({ on_hand: 980, reserved: 40, available: 940 });
});

it.each<[string, (id: number, lines: object) => Promise<Answer>]>([
  ['an order', (_, lines) => buy(0, lines)],
  ['a cancellation', (id) => app.admin.patch(`orders/${id}/cancel`)],
])('%s that waits for a product holds none with a higher id', async (_, request) => {
  const [first, second] = [await app.newProduct(), await app.newProduct()];
  const lines = order([second, 1], [first, 1]);
  const { id } = (await buy(0, lines)).body;
  const lock = await holdLock(app.databaseUrl, `SELECT FROM products WHERE id = ${first.id} FOR UPDATE`);
  const waiting = request(id, lines);
  await lock.waitedForBy(1);
  await app.sql('SELECT FROM products WHERE id = $1 FOR UPDATE NOWAIT', [second.id]);
  await lock.release();
  expect((await waiting).status).toBeLessThan(300);
});

it('the same product on two lines cannot take more than there is', async () => {
  const lamp = await app.newProduct({ stock: 5, sku: 'TWICE' });
  const items = [
    { product_id: lamp.id, quantity: 3 },
    { sku: 'TWICE', quantity: 3 },
  ];
  const { status, body } = await buy(0, { items });
  expect([status, body.code, body.errors]).toEqual([
    409,
    'INSUFFICIENT_STOCK',
    [{ field: 'items.0', message: 'Lamp: only 5 available' }],
  ]);
  expect(await stockOf(lamp)).toMatchObject({ reserved: 0 });
});

it('stock that is adjusted while orders come in adds up', async () => {
  const lamp = await app.newProduct({ stock: 20 });
  const deltas = Array.from({ length: 30 }, (_, index) => (index % 3 ? 2 : -3));
  const [orders, adjustments] = await Promise.all([
    Promise.all(Array.from({ length: 60 }, (_, index) => buy(index, order([lamp, 1])))),
    Promise.all(
      deltas.map((delta) => patiently(() => app.admin.post(`products/${lamp.id}/stock`, { delta, reason: 'count' }))),
    ),
  ]);
  expect(
    Object.keys({ ...tally(orders), ...tally(adjustments) }).filter(
      (kind) => !/^20[01]$|^INSUFFICIENT_STOCK$/.test(kind),
    ),
  ).toEqual([]);
  const taken = deltas.reduce((sum, delta, index) => sum + (adjustments[index]?.status === 200 ? delta : 0), 20);
  expect(await stockOf(lamp)).toMatchObject({ on_hand: taken, reserved: tally(orders)[201] });
});

describe('a product that changes while an order waits for it', () => {
  const during = async (change: string, body: object, product: { id: number }) => {
    const lock = await holdLock(app.databaseUrl, `UPDATE products SET ${change} WHERE id = ${product.id}`);
    const placing = buy(0, body);
    await lock.waitedForBy(1);
    await lock.release();
    return placing;
  };

  it('is sold at the price that holds when its turn comes', async () => {
    const lamp = await app.newProduct({ price_cents: 100 });
    const { status, body } = await during('price_cents = 150', order([lamp, 2]), lamp);
    expect([status, body.items[0].price_cents_at_purchase, body.total_amount_cents]).toEqual([201, 150, 300]);
  });

  it('is not sold at a price that the buyer did not expect', async () => {
    const lamp = await app.newProduct({ price_cents: 100 });
    const { status, body } = await during(
      'price_cents = 150',
      { ...order([lamp, 2]), expected_total_cents: 200 },
      lamp,
    );
    expect([status, body.code, body.total_amount_cents]).toEqual([409, 'PRICE_CHANGED', 300]);
  });

  it('is sold if a piece comes back', async () => {
    const lamp = await app.newProduct({ stock: 1 });
    await buy(0, order([lamp, 1]));
    const lock = await holdLock(
      app.databaseUrl,
      `WITH restocked AS (UPDATE products SET on_hand = on_hand + 1 WHERE id = ${lamp.id} RETURNING id)
       INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, actor_type)
       SELECT id, 'adjust', 1, 0, 'system' FROM restocked`,
    );
    const placing = buy(1, order([lamp, 1]));
    await lock.waitedForBy(1);
    await lock.release();
    expect((await placing).status).toBe(201);
    expect(await stockOf(lamp)).toEqual({ on_hand: 2, reserved: 2, available: 0 });
  });

  it('is not sold once it is not sold any more', async () => {
    const lamp = await app.newProduct();
    const { status, body } = await during('active = false', order([lamp, 1]), lamp);
    expect([status, body.code]).toEqual([409, 'PRODUCT_INACTIVE']);
  });

  it('gives either the old or the new price, and the order keeps it, 30 times over', async () => {
    const lamp = await app.newProduct({ price_cents: 0, stock: null });
    for (let price = 1; price <= 30; price++) {
      const [placed, changed] = await Promise.all([
        buy(0, { ...order([lamp, 1]), expected_total_cents: price - 1 }),
        app.admin.patch(`products/${lamp.id}`, { price_cents: price }),
      ]);
      expect(changed.status).toBe(200);
      if (placed.status === 201) {
        const { items, total_amount_cents } = (await app.admin.get(`orders/${placed.body.id}`)).body;
        expect([items[0].price_cents_at_purchase, total_amount_cents]).toEqual([price - 1, price - 1]);
      } else expect([placed.status, placed.body.total_amount_cents]).toEqual([409, price]);
    }
  });
});
