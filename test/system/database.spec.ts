import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../../src/database/data-source';
import { iso, runPrepared } from '../../src/database/prepared-statement';
import {
  cloneTemplate,
  connected,
  createDatabase,
  databaseUrl,
  dropDatabase,
  type TestDatabase,
} from '../support/database';

/** Everything that a migration can make, in words that do not depend on object ids or on when it was made. */
const SCHEMA = `
  SELECT c.relname AS owner, 'column ' || attname AS thing,
    format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || attidentity::text || ' '
      || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS definition
  FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND adnum = attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
  UNION ALL
  SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL
  SELECT '', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT '', typname, typtype::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')
  ORDER BY 1, 2, 3`;

interface SchemaRow {
  owner: string;
  thing: string;
  definition: string;
}

const schemaOf = (url: string): Promise<SchemaRow[]> =>
  connected(url, async (client) =>
    (await client.query<SchemaRow>(SCHEMA)).rows.filter(({ owner }) => owner !== 'migrations'),
  );

const A_COMPLETED_ORDER = `
  INSERT INTO users (name, email, username, password_hash) VALUES ('Ann', 'ann@example.com', 'ann', '');
  INSERT INTO products (name, sku, price_cents, on_hand, reserved) VALUES ('Lamp', 'LAMP', 500, 8, 0);
  INSERT INTO orders (number, user_id, currency, total_quantity, total_amount_cents, status, attempt, completed_at)
    VALUES ('ORD-1', 1, 'USD', 2, 1000, 'completed', 1, now());
  INSERT INTO order_items (order_id, product_id, product_name, quantity, price_cents_at_purchase, line_total_cents, stock_reserved)
    VALUES (1, 1, 'Lamp', 2, 500, 1000, true);
  INSERT INTO order_history (order_id, version, to_status, attempt, actor_type, actor_id, actor_name)
    VALUES (1, 1, 'pending', 0, 'user', 1, 'Ann');
  INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type) VALUES
    (1, 'adjust', 10, 0, NULL, NULL, 'user'), (1, 'reserve', 0, 2, 1, 0, 'user'), (1, 'ship', -2, -2, 1, 0, 'system');
  INSERT INTO idempotency_keys (caller, key, request_hash, response) VALUES ('user:1', 'a', '', '{}')`;

/** What the database itself refuses, by the constraint that does it; every CHECK has a line. */
const REFUSED = [
  ['users_role', `UPDATE users SET role = 'service'`],
  ['users_email', `INSERT INTO users (name, email, password_hash) VALUES ('Ann', 'ANN@example.com', '')`],
  [
    'users_username',
    `INSERT INTO users (name, email, username, password_hash) VALUES ('A', 'a@example.com', 'ANN', '')`,
  ],
  ['products_sku', `INSERT INTO products (name, sku, price_cents) VALUES ('Other', 'LAMP', 1)`],
  ['products_price', 'UPDATE products SET price_cents = -1'],
  ['products_price', 'UPDATE products SET price_cents = 10000000001'],
  ['products_stock', 'UPDATE products SET reserved = on_hand + 1'],
  ['products_stock', 'UPDATE products SET reserved = -1'],
  ['products_stock', 'UPDATE products SET on_hand = NULL'],
  ['products_stock', 'UPDATE products SET reserved = NULL'],
  [
    'orders_number',
    `INSERT INTO orders (number, user_id, currency, total_quantity, total_amount_cents) VALUES ('ORD-1', 1, 'USD', 1, 1)`,
  ],
  ['orders_status', `UPDATE orders SET status = 'shipped', completed_at = NULL`],
  ['orders_totals', 'UPDATE orders SET total_quantity = 0'],
  ['orders_totals', 'UPDATE orders SET total_amount_cents = -1'],
  ['orders_simulate_outcome', `UPDATE orders SET simulate_outcome = 'maybe'`],
  ['orders_attempts', 'UPDATE orders SET attempts_before_requeue = attempt + 1'],
  ['orders_attempts', 'UPDATE orders SET attempts_before_requeue = -1'],
  ['orders_lease', 'UPDATE orders SET lease_until = now()'],
  ['orders_completed', 'UPDATE orders SET completed_at = NULL'],
  ['orders_completed', `UPDATE orders SET status = 'failed'`],
  ['order_items_amounts', 'UPDATE order_items SET quantity = 0, line_total_cents = 0'],
  ['order_items_amounts', 'UPDATE order_items SET price_cents_at_purchase = -1, line_total_cents = -quantity'],
  ['order_items_amounts', 'UPDATE order_items SET line_total_cents = line_total_cents - 1'],
  ['order_items_stock', 'UPDATE order_items SET product_id = NULL'],
  ['order_history_actor', `UPDATE order_history SET actor_type = 'nobody'`],
  ['order_history_pkey', `INSERT INTO order_history SELECT * FROM order_history`],
  [
    'stock_movements_once',
    `INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type) VALUES (1, 'ship', -2, -2, 1, 0, 'system')`,
  ],
  ['stock_movements_kind', `UPDATE stock_movements SET kind = 'steal'`],
  ['stock_movements_kind', `UPDATE stock_movements SET reserved_delta = 1 WHERE kind = 'adjust'`],
  ['stock_movements_kind', `UPDATE stock_movements SET order_id = 1 WHERE kind = 'adjust'`],
  ['stock_movements_kind', `UPDATE stock_movements SET on_hand_delta = 1 WHERE kind = 'reserve'`],
  ['stock_movements_kind', `UPDATE stock_movements SET reserved_delta = -1 WHERE kind = 'reserve'`],
  ['stock_movements_kind', `UPDATE stock_movements SET kind = 'release', reserved_delta = 1 WHERE kind = 'ship'`],
  ['stock_movements_kind', `UPDATE stock_movements SET on_hand_delta = -1 WHERE kind = 'ship'`],
  ['feed_position_one', 'UPDATE feed_position SET one = false'],
  ['feed_position_pkey', 'INSERT INTO feed_position DEFAULT VALUES'],
  ['feed_position_purged', 'UPDATE feed_position SET purged = last + 1'],
  ['feed_position_purged', 'UPDATE feed_position SET purged = -1'],
  [
    'events_id',
    `INSERT INTO events (position, id, type, payload, created_at)
     SELECT n, '0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11', 'order.placed', '{}', now() FROM generate_series(1, 2) AS n`,
  ],
  [
    'idempotency_keys_pkey',
    `INSERT INTO idempotency_keys (caller, key, request_hash, response) VALUES ('user:1', 'a', '', '{}')`,
  ],
];

/** A data source on this database, for the time of `work`. */
async function withSource<T>(url: string, work: (source: DataSource) => Promise<T>): Promise<T> {
  const source = await new DataSource(dataSourceOptions(url, 2)).initialize();
  try {
    return await work(source);
  } finally {
    await source.destroy();
  }
}

describe('the schema', () => {
  const name = 'schema_spec';
  const url = databaseUrl(name);
  beforeAll(() => createDatabase(name));
  afterAll(() => dropDatabase(name));

  /** Starts three processes together, and expects every migration to be done once. */
  async function migrateTogether(): Promise<void> {
    await Promise.all([migrate(url), migrate(url), migrate(url)]);
    const done = await connected(url, async (client) => (await client.query('SELECT name FROM migrations')).rows);
    const known = await withSource(url, async ({ migrations }) =>
      migrations.map(({ constructor: { name } }) => ({ name })),
    );
    expect(done).toEqual(known);
  }

  it('is migrated once when three processes start together', migrateTogether);

  it('is what the entities say', async () => {
    const { upQueries, downQueries } = await withSource(url, (source) => source.driver.createSchemaBuilder().log());
    expect([...upQueries, ...downQueries].map(({ query }) => query)).toEqual([]);

    // The schema builder compares constraints by name only; a schema made from the entities has their definitions.
    const made = databaseUrl('entities_spec');
    await createDatabase('entities_spec');
    try {
      await withSource(made, (source) => source.synchronize());
      // A decorator cannot state functions, nor indexes over expressions; the first comparison knows the names of all indexes.
      const isStated = ({ definition }: SchemaRow) =>
        !/^CREATE (UNIQUE INDEX|INDEX|OR REPLACE FUNCTION)/.test(definition);
      const [entities, migrated] = await Promise.all([schemaOf(made), schemaOf(url)]);
      expect(entities.filter(isStated)).toEqual(migrated.filter(isStated));
    } finally {
      await dropDatabase('entities_spec');
    }
  });

  it('goes down and up again, three times, and is the same', async () => {
    const before = await schemaOf(url);
    for (let round = 0; round < 3; round++) {
      await withSource(url, async (source) => {
        for (const _ of source.migrations) await source.undoLastMigration();
      });
      expect(await schemaOf(url)).toEqual([]);
      await migrateTogether();
      expect(await schemaOf(url)).toEqual(before);
    }
  });
});

describe('a CHECK or UNIQUE constraint', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await cloneTemplate();
    await connected(database.url, (client) => client.query(A_COMPLETED_ORDER));
  });
  afterAll(() => database.drop());

  it.each(REFUSED)('%s refuses: %s', async (constraint, sql) => {
    await connected(database.url, (client) =>
      expect(client.query(sql)).rejects.toMatchObject({ constraint, code: expect.stringMatching(/^235(05|14)$/) }),
    );
  });

  it('has a line above', async () => {
    const { rows } = await connected(database.url, (client) =>
      client.query(`SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`),
    );
    const checks = rows.map(({ conname }) => conname);
    expect(checks.filter((name) => !REFUSED.some(([refused]) => refused === name))).toEqual([]);
  });
});

it.each(['00:00:00', '23:59:59.9', '12:00:00.25', '12:00:00.007', '12:00:00.0079'])(
  'a time of %s is read as text as it would be as a Date, from a column and from JSON',
  async (time) => {
    const database = await cloneTemplate();
    const source = await new DataSource(dataSourceOptions(database.url, 1)).initialize();
    const text = `SELECT at, to_json(at) AS json FROM (SELECT $1::timestamptz(3) AS at) moment`;
    const at = `2026-02-28T${time}Z`;
    const [asText] = await runPrepared<{ at: string; json: string }>(source.manager, { name: undefined, text }, [at]);
    const [asDate] = await source.query(text, [at]);
    expect(asDate.at).toBeInstanceOf(Date);
    expect([asText?.at, asText?.json].map((value) => iso(value as string))).toEqual([
      asDate.at.toISOString(),
      asDate.at.toISOString(),
    ]);
    await source.destroy();
    await database.drop();
  },
);
