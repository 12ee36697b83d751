import type { PreparedQuery } from '../../database/prepared-statement';
import { ITEMS, itemsOf, orderColumns } from '../order-columns';
import type { OrderItemRequest } from '../order-request.dto';

/** One order of the batch: an element of `$3`. Null and a missing field are the same. */
export interface OrderParameters {
  /** Ties its lines to it; from 1. */
  request: number;
  /** The customer. */
  user_id: number;
  number: string;
  address: string | null | undefined;
  note: string | null | undefined;
  metadata: object;
  simulate_outcome: string | undefined;
  expected_total_cents: number | undefined;
  actor_type: string;
  actor_id: number | null;
  actor_name: string;
  request_id: string | null;
  caller: string | undefined;
  key: string | undefined;
  request_hash: string | undefined;
}

/** One line of an order: an element of `$4`. `position` counts the lines of the order, from 1. */
export interface LineParameters extends OrderItemRequest {
  request: number;
  position: number;
}

/**
 * Places a batch of orders in one statement, and so in one transaction and one round trip: all of them or none. `$1` is the
 * currency, `$2` the topic of the event, `$3` and `$4` are JSON arrays of {@link OrderParameters} and {@link LineParameters}.
 * It reserves the stock of every line and writes orders, items, ledger, history, outbox events, counters and idempotency
 * keys. A refusal is an `outcome`, not an error, and comes with what the response to the client needs.
 *
 * It is written by hand because it decides how many orders a second the service takes; a batch of eight costs PostgreSQL
 * about as much as two orders placed one by one.
 *
 * Overselling is impossible: the stock is compared and taken while the product rows are locked, and the CHECK
 * `reserved <= on_hand` would abort the statement otherwise. Rows are locked in the order of their ids, so two batches over
 * the same products cannot deadlock.
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
  FROM jsonb_to_recordset($3) AS request (request int, user_id bigint, number text, address text, note text,
    metadata jsonb, simulate_outcome text, expected_total_cents bigint, actor_type text, actor_id bigint,
    actor_name text, request_id text, caller text, key text, request_hash text)
), line AS (
  SELECT request, name, unit_price_cents, quantity, position,
    coalesce(product_id, (SELECT id FROM products named WHERE named.sku = line.sku)) AS product_id
  FROM jsonb_to_recordset($4) AS line (request int, product_id bigint, sku text, name text, unit_price_cents bigint,
    quantity int, position int)
  -- A key that cannot be used ends the matter before any product is looked at: the response must not wait until another
  -- transaction, maybe that of the first request with the key, unlocks them.
  WHERE NOT EXISTS (SELECT FROM request WHERE key_outcome IS NOT NULL)
), wanted AS (
  -- Lines of one product are merged, whether they named it by id or by SKU.
  SELECT request, product_id AS id, sum(quantity)::int AS quantity, min(position) AS position
  FROM line WHERE name IS NULL GROUP BY request, product_id
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
  SELECT request, NULL, NULL, name, unit_price_cents, quantity, false, position FROM line WHERE name IS NOT NULL
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
    WHEN EXISTS (SELECT FROM wanted w JOIN locked USING (id) WHERE w.request = r.request AND on_hand - reserved < w.quantity)
      THEN 'insufficient_stock'
    ELSE 'acceptable' END AS outcome
  FROM request r
), reserved AS (
  UPDATE products p SET reserved = p.reserved + demand
  FROM locked
  WHERE p.id = locked.id AND p.on_hand IS NOT NULL AND NOT EXISTS (SELECT FROM verdict WHERE outcome <> 'acceptable')
    AND NOT EXISTS (SELECT FROM locked WHERE on_hand - reserved < demand)
  RETURNING p.id
), placed AS (
  INSERT INTO orders
    (user_id, number, currency, total_quantity, total_amount_cents, address, note, metadata, simulate_outcome)
  SELECT user_id, number, $1, quantity, amount_cents, address, note, metadata, simulate_outcome
  FROM request JOIN total USING (request)
  WHERE NOT EXISTS (SELECT FROM verdict WHERE outcome <> 'acceptable')
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
  RETURNING order_id, ${ITEMS}
), movement AS (
  INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type, actor_id)
  SELECT product_id, 'reserve', 0, quantity, answered.id, 0, actor_type, actor_id
  FROM answered JOIN sold USING (request) WHERE tracked
), history AS (
  INSERT INTO order_history (order_id, version, to_status, attempt, actor_type, actor_id, actor_name, request_id)
  SELECT id, version, status, attempt, actor_type, actor_id, actor_name, request_id FROM answered
), event AS (
  INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload)
  SELECT $2, 'order', id, version, json_build_object(
    'order_number', number, 'user_id', user_id, 'from_status', NULL, 'to_status', status, 'reason', NULL,
    'actor', json_build_object('type', actor_type, 'id', actor_id))
  FROM answered
), counter AS (
  INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
  SELECT status, count(*), sum(total_quantity), sum(total_amount_cents) FROM placed GROUP BY status
), snapshot AS (
  SELECT request, caller, key, request_hash, (
    SELECT to_json(stored) FROM (
      SELECT ${orderColumns('answered')}, user_name, ${itemsOf('answered.id', 'item')} AS items
    ) stored) AS content
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
