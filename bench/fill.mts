import type { Client } from 'pg';

export const USERS = 10_000;
export const PRODUCTS = 1_000;
const STEP = 50_000;

/** Customers and products, with stock that no benchmark can sell out. */
export async function fillCatalogue(client: Client): Promise<void> {
  await client.query(
    `INSERT INTO products (name, sku, price_cents, on_hand, reserved)
     SELECT 'Product ' || n, 'SKU-' || n, 100 + n, 500000000, 0 FROM generate_series(1, $1) n`,
    [PRODUCTS],
  );
  await client.query(
    `INSERT INTO users (name, email, password_hash)
     SELECT 'Customer ' || n, 'customer' || n || '@example.com', 'x' FROM generate_series(1, $1) n`,
    [USERS],
  );
}

/** Adds orders of two lines until there are `count`; spread over customers, products, statuses and a year. */
export async function fillOrders(client: Client, count: number): Promise<void> {
  const { rows } = await client.query('SELECT count(*) AS present FROM orders');
  for (let from = Number(rows[0].present) + 1; from <= count; from += STEP) {
    const to = Math.min(from + STEP - 1, count);
    await client.query(FILL, [from, to, USERS, PRODUCTS]);
    process.stderr.write(`\r  filling: ${to.toLocaleString('en')} of ${count.toLocaleString('en')} orders`);
  }
  process.stderr.write('\n');
  await client.query('VACUUM (ANALYZE) orders, order_items, order_history, users, products');
}

/** `numeric` hashes instead of random(): the same data in every run. */
const FILL = `
WITH source AS (
  SELECT n, 1 + hashint4(n) % 1000 AS spread FROM generate_series($1::int, $2::int) n
), placed AS (
  INSERT INTO orders (user_id, number, status, currency, total_quantity, total_amount_cents, address, version, created_at,
    updated_at, completed_at)
  SELECT (SELECT min(id) FROM users WHERE email LIKE 'customer%') + abs(hashint4(n + 7)) % $3::int,
    'B-' || n, status, 'USD', 3, 2 * (100 + 1 + abs(hashint4(n)) % $4::int) + (100 + 1 + abs(hashint4(n + 1)) % $4::int),
    '1 Main St, Springfield', 1, at, at, CASE WHEN status = 'completed' THEN at END
  FROM source CROSS JOIN LATERAL (SELECT
    timestamptz '2026-01-01' + n * interval '25 seconds' AS at,
    CASE abs(spread) % 20 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'failed' ELSE 'completed' END AS status) row
  RETURNING id, number, status, total_quantity, total_amount_cents, created_at
), line AS (
  SELECT id, created_at, substr(number, 3)::int AS n FROM placed
), tally AS (
  INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
  SELECT status, count(*), sum(total_quantity), sum(total_amount_cents) FROM placed GROUP BY status
), history AS (
  INSERT INTO order_history (order_id, version, to_status, attempt, actor_type, actor_name, created_at)
  SELECT id, 1, 'pending', 0, 'system', 'benchmark', created_at FROM line
)
INSERT INTO order_items (order_id, product_id, sku, product_name, quantity, price_cents_at_purchase, line_total_cents, stock_reserved)
SELECT line.id, product, 'SKU-' || product, 'Product ' || product, quantity, 100 + product, quantity * (100 + product), false
FROM line CROSS JOIN LATERAL (VALUES (2, 1 + abs(hashint4(n)) % $4::int), (1, 1 + abs(hashint4(n + 1)) % $4::int)) item (quantity, product)`;
