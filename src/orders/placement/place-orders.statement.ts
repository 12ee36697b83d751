import type { PreparedQuery } from '../../database/prepared-statement';

/**
 * Places a batch of orders in one statement, and so in one transaction and one round trip: all of them or none. It
 * reserves the stock of every line and writes orders, items, ledger, history, outbox events, tallies and idempotency keys, or
 * nothing at all. A refusal is an `outcome`, not an error, and comes with what the answer to the client needs. Written by
 * hand because this statement decides how many orders a second the service takes; a batch of eight costs PostgreSQL
 * about as much as two orders placed one by one.
 *
 * Oversell is impossible because the stock is compared and taken while the product rows are locked, and because the
 * CHECK `reserved <= on_hand` would end the statement otherwise. Rows are locked in the order of their ids: two batches
 * over the same products never wait for each other in a circle.
 */
export const PLACE_ORDERS: PreparedQuery = {
  name: 'place-orders',
  text: `
WITH request AS (
  -- Scalar subqueries, because an EXISTS may be planned as a hash of the whole table.
  SELECT request.*, (SELECT u.name FROM users u WHERE u.id = request.user_id AND u.active) AS user_name,
    CASE
      WHEN key IS NOT NULL AND NOT pg_try_advisory_xact_lock(hashtextextended(caller || ' ' || key, 0)) THEN 'key_in_use'
      WHEN (SELECT true FROM idempotency_keys known WHERE known.caller = request.caller AND known.key = request.key)
        THEN 'key_known'
    END AS key_outcome
  FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
      $9::text[], $10::int[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])
    WITH ORDINALITY AS request (user_id, number, address, note, metadata, simulate_outcome, expected_total_cents,
      actor_type, actor_id, actor_name, request_id, caller, key, request_hash, request)
), line AS (
  SELECT * FROM unnest($16::int[], $17::int[], $18::text[], $19::text[], $20::bigint[], $21::int[])
    WITH ORDINALITY AS line (request, product_id, sku, name, price_cents, quantity, position)
  -- A key that cannot be used ends the matter before any product is looked at: the answer must not wait until somebody,
  -- maybe the very request that uses the key, unlocks them.
  WHERE NOT EXISTS (SELECT FROM request WHERE key_outcome IS NOT NULL)
), wanted AS (
  -- Lines of one product are one, whether they named it by id or by SKU.
  SELECT line.request, coalesce(line.product_id, named.id) AS id, sum(line.quantity)::int AS quantity, min(position) AS position
  FROM line LEFT JOIN products named ON named.sku = line.sku
  WHERE line.name IS NULL
  GROUP BY 1, 2
), demand AS (
  SELECT id, sum(quantity) AS demand FROM wanted GROUP BY id ORDER BY id
), locked AS (
  SELECT * FROM demand CROSS JOIN LATERAL (
    SELECT sku, name, price_cents, active, on_hand, reserved FROM products WHERE products.id = demand.id FOR NO KEY UPDATE
  ) product
), sold AS (
  SELECT request, id AS product_id, sku, name, price_cents, quantity, on_hand IS NOT NULL AS tracked, position
  FROM wanted JOIN locked USING (id)
  UNION ALL
  SELECT request, NULL, NULL, name, price_cents, quantity, false, position FROM line WHERE name IS NOT NULL
), total AS (
  SELECT request, sum(quantity)::int AS quantity, sum(quantity * price_cents)::bigint AS amount_cents
  FROM sold GROUP BY request
), verdict AS MATERIALIZED (
  SELECT request, CASE
    WHEN key_outcome IS NOT NULL THEN key_outcome
    WHEN user_name IS NULL THEN 'user_missing'
    WHEN EXISTS (SELECT FROM wanted w WHERE w.request = r.request AND NOT EXISTS (SELECT FROM locked WHERE locked.id = w.id))
      THEN 'product_missing'
    WHEN EXISTS (SELECT FROM wanted w JOIN locked USING (id) WHERE w.request = r.request AND NOT active)
      THEN 'product_inactive'
    WHEN (SELECT amount_cents FROM total WHERE total.request = r.request) <> expected_total_cents THEN 'price_changed'
    ELSE 'good' END AS outcome
  FROM request r
), reserved AS (
  UPDATE products p SET reserved = p.reserved + demand
  FROM locked
  WHERE p.id = locked.id AND p.on_hand IS NOT NULL AND NOT EXISTS (SELECT FROM verdict WHERE outcome <> 'good')
    AND NOT EXISTS (SELECT FROM locked WHERE on_hand - reserved < demand)
  RETURNING p.id
), placed AS (
  INSERT INTO orders
    (user_id, number, currency, total_quantity, total_amount_cents, address, note, metadata, simulate_outcome)
  SELECT user_id, number, $1, quantity, amount_cents, address, note, metadata::jsonb, simulate_outcome
  FROM request JOIN total USING (request)
  WHERE NOT EXISTS (SELECT FROM verdict WHERE outcome <> 'good')
    AND (SELECT count(*) FROM reserved) = (SELECT count(*) FROM locked WHERE on_hand IS NOT NULL)
  RETURNING *
), answered AS (
  SELECT placed.*, request, user_name, actor_type, actor_id, actor_name, request_id, caller, key, request_hash
  FROM placed JOIN request USING (number)
), item AS (
  INSERT INTO order_items
    (order_id, product_id, sku, product_name, quantity, price_cents_at_purchase, line_total_cents, stock_reserved)
  SELECT answered.id, product_id, sku, name, quantity, price_cents, quantity * price_cents, tracked
  FROM answered JOIN sold USING (request) ORDER BY position
  RETURNING order_id, id, product_id, sku, product_name, quantity, price_cents_at_purchase, line_total_cents
), movement AS (
  INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type, actor_id)
  SELECT product_id, 'reserve', 0, quantity, answered.id, 0, actor_type, actor_id
  FROM answered JOIN sold USING (request) WHERE tracked
), history AS (
  INSERT INTO order_history (order_id, version, to_status, attempt, actor_type, actor_id, actor_name, request_id)
  SELECT id, version, status, attempt, actor_type, actor_id, actor_name, request_id FROM answered
), event AS (
  INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload)
  SELECT $22, 'order', id, version, '{}' FROM answered
), tally AS (
  INSERT INTO order_tallies (status, orders, total_quantity, total_amount_cents)
  SELECT status, count(*), sum(total_quantity), sum(total_amount_cents) FROM placed GROUP BY status
), snapshot AS (
  SELECT request, caller, key, request_hash, json_build_object(
    'id', answered.id, 'number', number, 'user_id', user_id, 'user_name', user_name,
    'status', status, 'currency', currency, 'total_quantity', total_quantity, 'total_amount_cents', total_amount_cents,
    'address', address, 'note', note, 'metadata', metadata, 'version', version, 'failure_reason', NULL,
    'created_at', created_at, 'updated_at', updated_at, 'processing_started_at', NULL, 'completed_at', NULL,
    'items', (SELECT json_agg(item ORDER BY item.id) FROM item WHERE order_id = answered.id)) AS content
  FROM answered
), remembered AS (
  -- A second request with this key that started before the first one ended fails here, on the primary key, as a whole.
  INSERT INTO idempotency_keys (caller, key, request_hash, response)
  SELECT caller, key, request_hash, content FROM snapshot WHERE key IS NOT NULL
)
SELECT outcome, content AS placed,
  CASE WHEN content IS NULL THEN (SELECT amount_cents FROM total WHERE total.request = verdict.request) END
    AS total_amount_cents,
  CASE WHEN content IS NULL THEN (
    SELECT json_agg(json_build_object('id', id, 'sku', sku, 'name', name, 'active', active,
      'available', on_hand - reserved, 'quantity', quantity, 'position', position) ORDER BY position)
    FROM wanted JOIN locked USING (id) WHERE wanted.request = verdict.request) END AS products
FROM verdict LEFT JOIN snapshot USING (request) ORDER BY request`,
};
