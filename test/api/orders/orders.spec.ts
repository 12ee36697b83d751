import { startApp, type TestApp } from '../../support/app';

interface Line {
  product_id: number;
  quantity: number;
}

let app: TestApp;
let ann: Awaited<ReturnType<TestApp['newUser']>>;
beforeAll(async () => {
  app = await startApp({ CURRENCY: 'EUR' });
  ann = await app.newUser();
});
afterAll(() => app.close());

const stockOf = async ({ id }: { id: number }) => (await app.anonymous.get(`products/${id}`)).body.stock;
const orderCount = async () => (await app.sql('SELECT count(*) FROM orders'))[0].count;

describe('placing an order', () => {
  it('answers with everything about it, reserves its stock and says where it is', async () => {
    const lamp = await app.newProduct({ name: 'Lamp', sku: 'LAMP-1', price_cents: 1999, stock: 5 });
    const { status, headers, body } = await ann.post('orders', {
      items: [{ product_id: lamp.id, quantity: 2 }],
      address: '1 Main St, Springfield',
      note: 'leave at the door',
      metadata: { source: 'web', tags: ['a', { b: null }] },
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      number: expect.stringMatching(/^ORD-[0-9A-HJKMNP-TV-Z]{8}$/),
      user_id: ann.id,
      user_name: 'Ann Smith',
      status: 'pending',
      currency: 'EUR',
      currency_exponent: 2,
      items: [
        {
          id: expect.any(Number),
          product_id: lamp.id,
          sku: 'LAMP-1',
          product_name: 'Lamp',
          quantity: 2,
          price_cents_at_purchase: 1999,
          line_total_cents: 3998,
        },
      ],
      total_quantity: 2,
      total_amount_cents: 3998,
      address: '1 Main St, Springfield',
      note: 'leave at the door',
      metadata: { source: 'web', tags: ['a', { b: null }] },
      version: 1,
      available_actions: ['cancel', 'edit'],
      failure_reason: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: body.created_at,
      processing_started_at: null,
      completed_at: null,
    });
    expect(headers.get('location')).toBe(`/api/v1/orders/${body.id}`);
    expect(headers.get('etag')).toBe('"1"');
    expect(await stockOf(lamp)).toEqual({ on_hand: 5, reserved: 2, available: 3 });
    expect((await ann.get(`orders/${body.id}`)).body).toEqual(body);
  });

  it('takes lines by id and by SKU, and merges those of one product where it was named first', async () => {
    const lamp = await app.newProduct({ sku: 'LAMP-2', price_cents: 500 });
    const desk = await app.newProduct({ sku: 'DESK-2', price_cents: 20_000 });
    const { status, body } = await ann.post('orders', {
      items: [
        { sku: 'DESK-2', quantity: 1 },
        { product_id: lamp.id, quantity: 2 },
        { sku: 'LAMP-2', quantity: 3 },
        { product_id: desk.id, quantity: 1 },
      ],
    });
    expect(status).toBe(201);
    expect(body.items.map(({ product_id, quantity }: Line) => [product_id, quantity])).toEqual([
      [desk.id, 2],
      [lamp.id, 5],
    ]);
    expect([body.total_quantity, body.total_amount_cents]).toEqual([7, 42_500]);
    expect(await stockOf(lamp)).toMatchObject({ reserved: 5 });
  });

  it('takes any quantity of a product whose stock is not tracked', async () => {
    const advice = await app.newProduct({ stock: null });
    expect((await ann.post('orders', { items: [{ product_id: advice.id, quantity: 1000 }] })).status).toBe(201);
    expect(await stockOf(advice)).toBeNull();
  });

  it('takes 100 lines, and neither 101 nor none', async () => {
    const { id } = await app.newProduct({ stock: null, price_cents: 10_000_000_000 });
    const lines = Array.from({ length: 101 }, () => ({ product_id: id, quantity: 1000 }));
    const { status, body } = await ann.post('orders', { items: lines.slice(1) });
    expect(status).toBe(201);
    expect(body.total_amount_cents).toBe(1_000_000_000_000_000);
    for (const items of [lines, []]) {
      const refused = await ann.post('orders', { items });
      expect([refused.status, refused.body.errors]).toEqual([
        400,
        [{ field: 'items', message: 'must be a list of 1 to 100 objects' }],
      ]);
    }
  });

  it('copies the price and the name: what an admin changes later does not touch it', async () => {
    const lamp = await app.newProduct({ name: 'Old', price_cents: 100 });
    const { body: order } = await ann.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
    await app.admin.patch(`products/${lamp.id}`, { name: 'New', price_cents: 999, active: false });
    expect((await ann.get(`orders/${order.id}`)).body).toEqual(order);
  });

  it('for somebody else is for admins and other backends', async () => {
    const { id } = await app.newProduct();
    const items = [{ product_id: id, quantity: 1 }];
    const warehouse = await app.newService();
    for (const client of [app.admin, warehouse]) {
      const { status, body } = await client.post('orders', { items, user_id: ann.id });
      expect([status, body.user_id, body.user_name]).toEqual([201, ann.id, 'Ann Smith']);
      expect((await ann.get(`orders/${body.id}`)).status).toBe(200);
    }
    const unnamed = await warehouse.post('orders', { items });
    expect([unnamed.status, unnamed.body.errors]).toEqual([
      400,
      [{ field: 'user_id', message: 'must say whom the order is for' }],
    ]);

    const bob = await app.newUser();
    const refused = await bob.post('orders', { items, user_id: ann.id });
    expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
    expect((await bob.post('orders', { items, user_id: bob.id })).status).toBe(201);
    const nobody = await app.admin.post('orders', { items, user_id: 2_000_000_000 });
    expect([nobody.status, nobody.body.code]).toEqual([404, 'USER_NOT_FOUND']);
  });

  it('with a custom-priced line is for admins and other backends', async () => {
    const items = [{ name: 'Engraving', unit_price_cents: 1500, quantity: 2 }];
    const warehouse = await app.newService();
    expect((await warehouse.post('orders', { items, user_id: ann.id })).status).toBe(201);
    const { status, body } = await app.admin.post('orders', { items });
    expect(status).toBe(201);
    expect(body.items).toEqual([
      {
        id: expect.any(Number),
        product_id: null,
        sku: null,
        product_name: 'Engraving',
        quantity: 2,
        price_cents_at_purchase: 1500,
        line_total_cents: 3000,
      },
    ]);
    const refused = await ann.post('orders', { items });
    expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
  });

  it('goes through at exactly the expected total, and otherwise tells the present one', async () => {
    const lamp = await app.newProduct({ price_cents: 1050 });
    const order = { items: [{ product_id: lamp.id, quantity: 2 }], expected_total_cents: 2100 };
    expect((await ann.post('orders', order)).status).toBe(201);
    const { status, body } = await ann.post('orders', { ...order, expected_total_cents: 2099 });
    expect([status, body.code, body.total_amount_cents]).toEqual([409, 'PRICE_CHANGED', 2100]);
    expect(await stockOf(lamp)).toMatchObject({ reserved: 2 });
  });
});

describe('an order that is refused', () => {
  it.each([
    ['more than there is', { stock: 3 }, 4, 409, 'INSUFFICIENT_STOCK', 'Lamp: only 3 available'],
    [
      'a product that is not sold any more',
      { active: false },
      1,
      409,
      'PRODUCT_INACTIVE',
      'Lamp: is not sold any more',
    ],
  ])(
    'for %s names the line and leaves nothing',
    async (_, { active, ...fields }: Record<string, unknown>, quantity, status, code, message) => {
      const good = await app.newProduct({ name: 'Desk' });
      const bad = await app.newProduct({ name: 'Lamp', ...fields });
      if (active === false) await app.admin.patch(`products/${bad.id}`, { active });
      const before = await orderCount();
      const answer = await ann.post('orders', {
        items: [
          { product_id: good.id, quantity: 1 },
          { product_id: bad.id, quantity },
        ],
      });
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.body.errors).toEqual([{ field: 'items.1', message }]);
      expect(await orderCount()).toBe(before);
      expect(await stockOf(good)).toMatchObject({ reserved: 0 });
      expect(await stockOf(bad)).toMatchObject({ reserved: 0 });
    },
  );

  it('for products that do not exist names each line', async () => {
    const { id } = await app.newProduct();
    const { status, body } = await ann.post('orders', {
      items: [
        { product_id: id, quantity: 1 },
        { product_id: 2_147_483_647, quantity: 1 },
        { sku: 'NO-SUCH', quantity: 1 },
      ],
    });
    expect([status, body.code]).toEqual([404, 'PRODUCT_NOT_FOUND']);
    expect(body.errors).toEqual([
      { field: 'items.1.product_id', message: 'does not exist' },
      { field: 'items.2.sku', message: 'does not exist' },
    ]);
  });

  it.each<[string, object, string]>([
    ['names a product twice over', { product_id: 1, sku: 'A', quantity: 1 }, 'items.0'],
    ['names none', { quantity: 1 }, 'items.0'],
    ['has a price without a name', { product_id: 1, unit_price_cents: 1, quantity: 1 }, 'items.0'],
    ['has a name without a price', { name: 'A', quantity: 1 }, 'items.0'],
    ['has no quantity', { product_id: 1 }, 'items.0.quantity'],
    ['has a quantity of 0', { product_id: 1, quantity: 0 }, 'items.0.quantity'],
    ['has a quantity of 1,001', { product_id: 1, quantity: 1001 }, 'items.0.quantity'],
    ['has half a piece', { product_id: 1, quantity: 1.5 }, 'items.0.quantity'],
    ['has its quantity as text', { product_id: 1, quantity: '1' }, 'items.0.quantity'],
    ['has null for a product', { product_id: null, quantity: 1 }, 'items.0.product_id'],
    ['has an id that no number holds', { product_id: 9_007_199_254_740_992, quantity: 1 }, 'items.0.product_id'],
    ['has a negative price', { name: 'A', unit_price_cents: -1, quantity: 1 }, 'items.0.unit_price_cents'],
    ['has a field that nobody knows', { product_id: 1, quantity: 1, price_cents: 1 }, 'items.0.price_cents'],
  ])('because an item %s says so', async (_, item, field) => {
    const { status, body } = await app.admin.post('orders', { items: [item] });
    expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
  });

  it.each<[string, string, unknown]>([
    ['a list in the list', 'items', [[{ product_id: 1, quantity: 1 }]]],
    ['an object for a list', 'items', { 0: { product_id: 1, quantity: 1 } }],
    ['no items', 'items', null],
    ['an address of 501 characters', 'address', 'a'.repeat(501)],
    ['a blank address', 'address', ' '],
    ['a note of 1,001 characters', 'note', 'a'.repeat(1001)],
    ['a list for metadata', 'metadata', []],
    ['text for metadata', 'metadata', 'text'],
    ['metadata of more than 8,192 bytes', 'metadata', { big: 'ä'.repeat(4096) }],
    ['an id as text', 'user_id', '1'],
    ['a negative total', 'expected_total_cents', -1],
    ['an outcome that nobody can simulate', 'simulate_outcome', 'maybe'],
    ['a status of its own', 'status', 'completed'],
    ['a total of its own', 'total_amount_cents', 1],
  ])('because of %s says so', async (_, field, value) => {
    const { status, body } = await app.admin.post('orders', {
      items: [{ product_id: 1, quantity: 1 }],
      [field]: value,
    });
    expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
  });

  it('for more than 20 reasons names 20 of them', async () => {
    const { body } = await ann.post('orders', {
      items: Array.from({ length: 30 }, () => ({ product_id: 0, quantity: 1 })),
    });
    expect(body.errors).toHaveLength(20);
  });
});

describe('reading an order', () => {
  it('works by id and by number, in any case', async () => {
    const { id: product_id } = await app.newProduct();
    const { body: order } = await ann.post('orders', { items: [{ product_id, quantity: 1 }] });
    for (const reference of [order.id, order.number, order.number.toLowerCase()]) {
      const { status, headers, body } = await ann.get(`orders/${reference}`);
      expect([status, headers.get('etag'), body]).toEqual([200, '"1"', order]);
    }
  });

  it("answers for another's order exactly as for one that does not exist", async () => {
    const { id: product_id } = await app.newProduct();
    const { body: order } = await ann.post('orders', { items: [{ product_id, quantity: 1 }] });
    const bob = await app.newUser();
    const answers = [];
    for (const reference of [
      order.id,
      order.number,
      2_000_000_000,
      'ORD-00000000',
      '0',
      '-1',
      '1.0',
      '99999999999',
      'x',
    ]) {
      answers.push(await bob.get(`orders/${reference}`), await bob.get(`orders/${reference}/history`));
      answers.push(
        await bob.patch(`orders/${reference}`, { note: 'mine' }),
        await bob.patch(`orders/${reference}/cancel`),
      );
      answers.push(await bob.patch(`orders/${reference}/status`, { status: 'cancelled' }));
    }
    const bodies = answers.map(({ status, body: { instance, request_id, ...rest } }) => ({ ...rest, status }));
    for (const body of bodies) expect(body).toEqual({ ...bodies[10], code: 'NOT_FOUND', status: 404 });
    expect((await app.admin.get(`orders/${order.id}`)).body.status).toBe('pending');
  });
});
