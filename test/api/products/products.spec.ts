import { startApp, type TestApp } from '../../support/app';

let app: TestApp;
let ann: Awaited<ReturnType<TestApp['newUser']>>;
beforeAll(async () => {
  app = await startApp();
  ann = await app.newUser();
});
afterAll(() => app.close());

const movements = (id: number) =>
  app.sql(
    'SELECT kind, on_hand_delta, reserved_delta, reason, actor_type, actor_id FROM stock_movements WHERE product_id = $1 ORDER BY id',
    [id],
  );
const fields = ({ body }: { body: { errors?: { field: string }[] } }) => body.errors?.map(({ field }) => field);

describe('adding a product', () => {
  it('answers with it, says where it is, and puts its first stock into the ledger', async () => {
    const { status, headers, body } = await app.admin.post('products', {
      name: 'MacBook Pro 16"',
      price_cents: 249_999,
      sku: 'MBP-16',
      description: 'Räucherstäbchen 🔥',
      stock: 25,
    });
    const time = expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/);
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(Number),
        sku: 'MBP-16',
        name: 'MacBook Pro 16"',
        description: 'Räucherstäbchen 🔥',
        price_cents: 249_999,
        currency: 'USD',
        currency_exponent: 2,
        stock: { on_hand: 25, reserved: 0, available: 25 },
        active: true,
        version: 1,
        created_at: time,
        updated_at: time,
      },
    ]);
    expect(headers.get('location')).toBe(`/api/v1/products/${body.id}`);
    expect((await app.anonymous.get(`products/${body.id}`)).body).toEqual(body);
    expect(await movements(body.id)).toEqual([
      {
        kind: 'adjust',
        on_hand_delta: 25,
        reserved_delta: 0,
        reason: 'initial stock',
        actor_type: 'user',
        actor_id: 1,
      },
    ]);
  });

  it.each([
    ['no stock at all', undefined, null],
    ['stock null', null, null],
    ['stock 0', 0, { on_hand: 0, reserved: 0, available: 0 }],
  ])('with %s', async (_, stock, shown) => {
    const { body } = await app.admin.post('products', { name: 'Advice', price_cents: 0, stock });
    expect([body.stock, body.sku, body.description]).toEqual([shown, null, null]);
    expect(await movements(body.id)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['name', undefined],
    ['name', ' '],
    ['name', 'a'.repeat(201)],
    ['name', null],
    ['price_cents', undefined],
    ['price_cents', -1],
    ['price_cents', 9.99],
    ['price_cents', '100'],
    ['price_cents', 10_000_000_001],
    ['sku', ''],
    ['sku', 'a'.repeat(65)],
    ['stock', -1],
    ['stock', 1_000_000_001],
    ['stock', { on_hand: 1 }],
    ['id', 1],
    ['reserved', 1],
    ['version', 1],
  ])('refuses a bad %s', async (field, value) => {
    const answer = await app.admin.post('products', { name: 'Lamp', price_cents: 1, [field]: value });
    expect([answer.status, fields(answer)]).toEqual([400, [field]]);
  });

  it('refuses a SKU that is taken, also by an edit, and any number may have none', async () => {
    const { id } = await app.newProduct({ sku: 'ONE' });
    const other = await app.newProduct({ sku: 'TWO' });
    for (const { status, body } of [
      await app.admin.post('products', { name: 'Copy', price_cents: 1, sku: 'ONE' }),
      await app.admin.patch(`products/${other.id}`, { sku: 'ONE' }),
    ]) {
      expect([status, body.code]).toEqual([409, 'SKU_TAKEN']);
    }
    for (const product of [id, other.id])
      expect((await app.admin.patch(`products/${product}`, { sku: null })).status).toBe(200);
  });
});

describe('editing a product', () => {
  it('changes what is given, counts the version, and leaves the rest', async () => {
    const lamp = await app.newProduct({ sku: 'OLD', description: 'old' });
    const { status, body } = await app.admin.patch(`products/${lamp.id}`, {
      name: 'New',
      price_cents: 1,
      sku: 'NEW',
      description: null,
      active: false,
    });
    const changed = { name: 'New', price_cents: 1, sku: 'NEW', description: null, active: false, version: 2 };
    expect([status, body]).toEqual([200, { ...lamp, ...changed, updated_at: expect.any(String) }]);
    const same = await app.admin.patch(`products/${lamp.id}`, {});
    expect([same.status, same.body]).toEqual([200, body]);
  });

  it.each<[string, unknown]>([
    ['name', null],
    ['price_cents', null],
    ['active', 'false'],
    ['active', null],
    ['stock', 5],
    ['on_hand', 5],
  ])('refuses a bad %s', async (field, value) => {
    const { id } = await app.newProduct();
    const answer = await app.admin.patch(`products/${id}`, { [field]: value });
    expect([answer.status, fields(answer)]).toEqual([400, [field]]);
  });
});

describe('adjusting stock', () => {
  const adjust = (id: number, delta: unknown, reason: unknown = 'count') =>
    app.admin.post(`products/${id}/stock`, { delta, reason });

  it('adds and takes away, each time with a line in the ledger', async () => {
    const { id } = await app.newProduct({ stock: 10 });
    expect((await adjust(id, 5, 'delivery')).body.stock).toEqual({ on_hand: 15, reserved: 0, available: 15 });
    const { status, body } = await adjust(id, -15, 'fire');
    expect([status, body.stock]).toEqual([200, { on_hand: 0, reserved: 0, available: 0 }]);
    expect(await movements(id)).toMatchObject([
      { on_hand_delta: 10 },
      { kind: 'adjust', on_hand_delta: 5, reason: 'delivery', actor_type: 'user', actor_id: 1 },
      { kind: 'adjust', on_hand_delta: -15, reason: 'fire' },
    ]);
  });

  it('starts tracking where stock was not tracked; orders placed before keep out of it', async () => {
    const { id } = await app.newProduct({ stock: null });
    const { body: order } = await ann.post('orders', { items: [{ product_id: id, quantity: 3 }] });
    expect((await adjust(id, 4)).body.stock).toEqual({ on_hand: 4, reserved: 0, available: 4 });
    await ann.patch(`orders/${order.id}/cancel`);
    expect((await app.anonymous.get(`products/${id}`)).body.stock).toEqual({ on_hand: 4, reserved: 0, available: 4 });
  });

  it('never holds more than 2,000,000,000 pieces', async () => {
    const { id } = await app.newProduct({ stock: 1_000_000_000 });
    const add = () => app.admin.post(`products/${id}/stock`, { delta: 1_000_000_000, reason: 'Delivered' });
    expect([(await add()).status, (await add()).status]).toEqual([200, 409]);
  });

  it('never takes what is reserved, and leaves nothing behind when it is refused', async () => {
    const { id } = await app.newProduct({ stock: 10 });
    await ann.post('orders', { items: [{ product_id: id, quantity: 4 }] });
    for (const delta of [-7, -11, 1_000_000_000]) {
      if (delta > 0) await adjust(id, delta);
      const { status, body } = await adjust(id, delta);
      expect([status, body.code]).toEqual([409, 'INSUFFICIENT_STOCK']);
    }
    await adjust(id, -1_000_000_000);
    expect((await adjust(id, -6)).body.stock).toEqual({ on_hand: 4, reserved: 4, available: 0 });
    expect(await movements(id)).toHaveLength(5);
  });

  it.each<[string, unknown, unknown]>([
    ['delta', 0, 'count'],
    ['delta', 1.5, 'count'],
    ['delta', '1', 'count'],
    ['delta', 1_000_000_001, 'count'],
    ['delta', null, 'count'],
    ['reason', 1, ''],
    ['reason', 1, null],
    ['reason', 1, 'a'.repeat(501)],
  ])('refuses a bad %s', async (field, delta, reason) => {
    const { id } = await app.newProduct();
    const answer = await adjust(id, delta, reason);
    expect([answer.status, fields(answer)]).toEqual([400, [field]]);
  });
});

it('only admins change anything; anybody reads', async () => {
  const { id } = await app.newProduct();
  const warehouse = await app.newService();
  for (const [client, expected] of [
    [app.anonymous, 401],
    [ann, 403],
    [warehouse, 403],
  ] as const) {
    const answers = [
      await client.post('products', { name: 'Lamp', price_cents: 1 }),
      await client.patch(`products/${id}`, { price_cents: 1 }),
      await client.post(`products/${id}/stock`, { delta: 1, reason: 'mine' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([expected, expected, expected]);
    expect((await client.get(`products/${id}`)).body).toMatchObject({ price_cents: 1999, stock: { on_hand: 10 } });
  }
});

it.each(['2147483647', '0', '-1', '1.5', '99999999999', 'abc', 'MBP-16'])('product %s does not exist', async (id) => {
  const answers = [
    await app.anonymous.get(`products/${id}`),
    await app.admin.patch(`products/${id}`, { name: 'x' }),
    await app.admin.patch(`products/${id}`, {}),
    await app.admin.post(`products/${id}/stock`, { delta: 1, reason: 'x' }),
  ];
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual(Array(4).fill([404, 'NOT_FOUND']));
});

describe('the catalogue', () => {
  const list = async (query: string) => (await app.anonymous.get(`products?${query}`)).body;
  let ids: number[];
  beforeAll(async () => {
    ids = [];
    for (const [name, sku, active] of [
      ['Zebra 100%', 'Z-1', true],
      ['zebra_crossing', null, true],
      ['Horse', 'ZEBRA-H', true],
      ['Zebra foal', null, false],
      ['Zèbre', null, true],
    ] as const) {
      const { id } = await app.newProduct({ name, sku });
      if (!active) await app.admin.patch(`products/${id}`, { active });
      ids.push(id);
    }
  });
  const [a, b, c, d, e] = [0, 1, 2, 3, 4];

  it.each([
    ['q=zebra', [a, b, c, d]],
    ['q=zebra&active=true', [a, b, c]],
    ['q=zebra&active=false', [d]],
    ['q=ZEBRA-h', [c]],
    [`q=${encodeURIComponent('100%')}`, [a]],
    ['q=zebra_c', [b]],
    ['q=zebra%25foal', []],
    [`q=${encodeURIComponent('ZÈBRE')}`, [e]],
    [`q=${encodeURIComponent('ze\u0300br')}`, [e]],
  ])('filters by %s', async (query, expected) => {
    const { products } = await list(query);
    expect(products.map(({ id }: { id: number }) => ids.indexOf(id))).toEqual(expected);
  });

  it('comes in pages, by cursor as by offset', async () => {
    const { products: all } = await list('limit=100');
    const found = [];
    for (let page = await list('limit=7'); ; page = await list(`limit=7&cursor=${page.next_cursor}`)) {
      found.push(...page.products);
      if (!page.has_more) break;
    }
    expect(found).toEqual(all);
    expect((await list('limit=7&offset=14')).products).toEqual(all.slice(14, 21));
    expect(await list('limit=1&offset=10000')).toMatchObject({
      products: [],
      has_more: false,
      next_cursor: null,
      offset: 10_000,
    });
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'offset=-1',
    'offset=10001',
    'active=yes',
    'q=',
    'sort=name',
    'cursor=abc',
  ])('refuses %s', async (query) => {
    const answer = await app.anonymous.get(`products?${query}`);
    expect([answer.status, fields(answer)]).toEqual([400, [query.split('=')[0]]]);
  });
});
