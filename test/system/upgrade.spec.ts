import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../../src/database/data-source';
import { listen, testConfig } from '../support/app';
import { Client } from '../support/client';
import { connected, createDatabase, databaseUrl, dropDatabase } from '../support/database';
import { brokenInvariants } from '../support/invariants';

const NAME = 'upgrade_spec';
const url = databaseUrl(NAME);
beforeAll(() => createDatabase(NAME));
afterAll(() => dropDatabase(NAME));

/** The last migration before ids became bigint. */
const OLD = 'ListIndexes1760000500000';

/** Data as the version before has written it, with ids as high as its integers go. */
const DATA = `
  ALTER TABLE orders ALTER COLUMN id RESTART WITH 2147483640;
  ALTER TABLE order_items ALTER COLUMN id RESTART WITH 2147483640;
  INSERT INTO users (name, email, password_hash) VALUES ('Ann', 'ann@example.com', '');
  INSERT INTO products (name, sku, price_cents, on_hand, reserved) VALUES ('Lamp', 'LAMP', 500, 20, 7);
  INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, actor_type) VALUES (1, 'adjust', 20, 0, 'user');
  INSERT INTO orders (number, user_id, currency, total_quantity, total_amount_cents)
    SELECT 'ORD-0000000' || n, 1, 'USD', 1, 500 FROM generate_series(1, 7) n;
  INSERT INTO order_items (order_id, product_id, product_name, quantity, price_cents_at_purchase, line_total_cents, stock_reserved)
    SELECT id, 1, 'Lamp', 1, 500, 500, true FROM orders;
  INSERT INTO order_history (order_id, version, to_status, attempt, actor_type, actor_id, actor_name)
    SELECT id, 1, 'pending', 0, 'user', 1, 'Ann' FROM orders;
  INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type, actor_id)
    SELECT 1, 'reserve', 0, 1, id, 0, 'user', 1 FROM orders;
  INSERT INTO order_tallies (status, orders, total_quantity, total_amount_cents) VALUES ('pending', 7, 7, 3500);
  INSERT INTO outbox (topic, order_id, sequence, payload) SELECT 'order.placed', id, 1, '{}' FROM orders;
  INSERT INTO outbox (topic, payload) VALUES ('user.password_changed', '{"user_id": 1}')`;

it('a filled database of the version before migrates, and goes on beyond what an integer holds', async () => {
  const source = await new DataSource(dataSourceOptions(url, 2)).initialize();
  const later = source.migrations.filter(
    ({ constructor: { name } }) => Number(name.slice(-13)) > Number(OLD.slice(-13)),
  );
  expect(later.length).toBeGreaterThan(0);
  await migrate(url);
  for (const _ of later) await source.undoLastMigration();
  await source.query(DATA);
  await migrate(url);
  await source.destroy();

  const { nest, origin } = await listen(testConfig(url, { SERVICE_ROLE: 'api' }));
  try {
    const anonymous = new Client(origin);
    const login = { email: 'admin@example.com', password: 'a long admin password' };
    const { access_token } = (await anonymous.post('auth/login', login)).body;
    const admin = anonymous.with({ authorization: `Bearer ${access_token}` });
    for (let n = 0; n < 3; n++) {
      const { status, body } = await admin.post('orders', { items: [{ product_id: 1, quantity: 2 }], user_id: 1 });
      expect([status, body.id]).toEqual([201, 2_147_483_647 + n]);
      expect((await admin.get(`orders/${body.id}`)).body).toEqual(body);
    }
    const { orders, total } = (await admin.get('orders?sort=id')).body;
    expect([orders.length, orders[0].number, total]).toEqual([10, 'ORD-00000001', 10]);
    expect((await admin.patch(`orders/${orders[0].id}/cancel`)).status).toBe(200);
    const events = await nest
      .get(DataSource)
      .query('SELECT topic, aggregate_type, aggregate_id FROM outbox ORDER BY id');
    expect(events[0]).toEqual({ topic: 'order.placed', aggregate_type: 'order', aggregate_id: 2_147_483_640 });
    expect(events[7]).toEqual({ topic: 'user.password_changed', aggregate_type: 'user', aggregate_id: 1 });
  } finally {
    await nest.close();
  }
  expect(await connected(url, brokenInvariants)).toEqual([]);
});
