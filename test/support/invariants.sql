-- What must hold in any database that this service has written to, whatever happened before. Each query returns what
-- breaks its rule, so none may return a row. Read by invariants.ts, which also provides the table `transition`
-- (from_status, to_status) out of the code's own table.

-- N2 one order for each caller and idempotency key, and the answer that is kept is about that order
SELECT k.caller, k.key, k.response ->> 'id' AS answered, o.id AS order_id
FROM idempotency_keys k LEFT JOIN orders o ON o.id = (k.response ->> 'id')::bigint AND o.number = k.response ->> 'number'
WHERE o.id IS NULL
UNION ALL
SELECT min(caller), min(key), response ->> 'id', NULL FROM idempotency_keys GROUP BY response ->> 'id' HAVING count(*) > 1;

-- N3 at most one history row for each edge of an attempt
SELECT order_id, from_status, to_status, attempt, count(*) FROM order_history
GROUP BY order_id, from_status, to_status, attempt HAVING count(*) > 1;

-- N3 nothing happens after a terminal status
SELECT h.order_id, h.version, h.to_status FROM order_history h
WHERE h.to_status IN ('completed', 'cancelled')
  AND EXISTS (SELECT FROM order_history later WHERE later.order_id = h.order_id AND later.version > h.version);

-- N4 the movements of a product add up to its two counters, and 0 <= reserved <= on_hand
SELECT p.id, p.on_hand, p.reserved, sum(m.on_hand_delta) AS moved_on_hand, sum(m.reserved_delta) AS moved_reserved
FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
GROUP BY p.id
HAVING p.on_hand IS DISTINCT FROM CASE WHEN p.on_hand IS NOT NULL THEN coalesce(sum(m.on_hand_delta), 0) END
  OR p.reserved IS DISTINCT FROM CASE WHEN p.on_hand IS NOT NULL THEN coalesce(sum(m.reserved_delta), 0) END
  OR NOT coalesce(p.reserved BETWEEN 0 AND p.on_hand, true)
  OR (p.on_hand IS NULL AND count(m.id) > 0);

-- N5 what an order reserved in a cycle is its items' quantity, and it is given back or shipped at most once, as a whole
SELECT m.order_id, m.product_id, m.cycle, i.quantity, array_agg(m.kind || ' ' || m.reserved_delta) AS movements
FROM stock_movements m
LEFT JOIN order_items i ON i.order_id = m.order_id AND i.product_id = m.product_id AND i.stock_reserved
WHERE m.order_id IS NOT NULL
GROUP BY m.order_id, m.product_id, m.cycle, i.quantity
HAVING i.quantity IS NULL
  OR coalesce(sum(m.reserved_delta) FILTER (WHERE m.kind = 'reserve'), 0) <> i.quantity
  OR count(*) FILTER (WHERE m.kind = 'reserve') <> 1
  OR count(*) FILTER (WHERE m.kind <> 'reserve') > 1
  OR bool_or(m.kind <> 'reserve' AND m.reserved_delta <> -i.quantity);

-- N5 an open order holds its stock, a completed one has shipped it, a failed or cancelled one has given it back
SELECT o.id, o.status, i.product_id, array_agg(m.kind) AS movements
FROM orders o JOIN order_items i ON i.order_id = o.id AND i.stock_reserved
LEFT JOIN stock_movements m ON m.order_id = o.id AND m.product_id = i.product_id AND m.cycle = o.attempts_before_requeue
GROUP BY o.id, i.product_id
HAVING array_agg(m.kind ORDER BY m.id) IS DISTINCT FROM CASE
  WHEN o.status IN ('pending', 'paid', 'processing') THEN ARRAY['reserve']
  WHEN o.status = 'completed' THEN ARRAY['reserve', 'ship']
  ELSE ARRAY['reserve', 'release'] END;

-- N5 a cycle that a requeue has closed gave its stock back
SELECT m.order_id, m.product_id, m.cycle, array_agg(m.kind) AS movements
FROM stock_movements m JOIN orders o ON o.id = m.order_id AND m.cycle <> o.attempts_before_requeue
GROUP BY m.order_id, m.product_id, m.cycle
HAVING array_agg(m.kind ORDER BY m.id) <> ARRAY['reserve', 'release'];

-- N6 an order's totals are the sums of its lines, and a line is its quantity times the price at purchase
SELECT o.id, o.total_quantity, o.total_amount_cents, sum(i.quantity) AS quantity, sum(i.line_total_cents) AS amount_cents
FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
GROUP BY o.id
HAVING o.total_quantity IS DISTINCT FROM sum(i.quantity)
  OR o.total_amount_cents IS DISTINCT FROM sum(i.line_total_cents)
  OR bool_or(i.line_total_cents <> i.quantity * i.price_cents_at_purchase);

-- N6 the tallies add up to what the orders are
SELECT status, o.orders, t.orders AS tallied, o.pieces, t.pieces, o.amount_cents, t.amount_cents
FROM (SELECT status, count(*) AS orders, sum(total_quantity) AS pieces, sum(total_amount_cents) AS amount_cents
  FROM orders GROUP BY status) o
FULL JOIN (SELECT status, sum(orders) AS orders, sum(total_quantity) AS pieces, sum(total_amount_cents) AS amount_cents
  FROM order_counters GROUP BY status) t USING (status)
WHERE coalesce(o.orders, 0) <> coalesce(t.orders, 0) OR coalesce(o.pieces, 0) <> coalesce(t.pieces, 0)
  OR coalesce(o.amount_cents, 0) <> coalesce(t.amount_cents, 0);

-- N7 the history of an order is a connected chain of legal changes that starts with its placing
SELECT h.order_id, h.version, previous, h.from_status, h.to_status
FROM (SELECT *, lag(to_status) OVER (PARTITION BY order_id ORDER BY version) AS previous FROM order_history) h
LEFT JOIN transition t ON t.from_status = h.from_status AND t.to_status = h.to_status
WHERE h.from_status IS DISTINCT FROM h.previous
  OR (h.from_status IS NULL AND (h.to_status <> 'pending' OR h.version <> 1))
  OR (h.from_status IS NOT NULL AND t.to_status IS NULL);

-- N7 the history ends at the order's status, and no row of it is ahead of the order
SELECT o.id, o.status, o.version, o.attempt, last.to_status, last.version, last.attempt
FROM orders o
LEFT JOIN LATERAL (SELECT * FROM order_history h WHERE h.order_id = o.id ORDER BY h.version DESC LIMIT 1) last ON true
WHERE last.to_status IS DISTINCT FROM o.status OR last.version > o.version OR last.attempt > o.attempt;

-- N7 every change has its actor: somebody with an id and a name, or the service itself
SELECT order_id, version, actor_type, actor_id, actor_name FROM order_history
WHERE actor_name = '' OR (actor_type = 'system') <> (actor_id IS NULL)
  OR (actor_type = 'user' AND actor_id NOT IN (SELECT id FROM users));

-- N8 one event for each version of an order, and one message for each event: waiting in the outbox, or in the queue once. A
-- failed job is not counted, because its message went on to the dead letters, from where it may have come back.
SELECT id, count(*) FROM (
  SELECT event_id::text, aggregate_type, aggregate_id::text, sequence::text FROM outbox
  UNION ALL
  SELECT data ->> 'event_id', data ->> 'aggregate_type', data ->> 'aggregate_id', data ->> 'sequence'
  FROM pgboss.job WHERE name = 'mail' AND state <> 'failed'
) message CROSS JOIN LATERAL (
  VALUES (event_id), (CASE aggregate_type WHEN 'order' THEN 'order-' || aggregate_id || '-' || sequence END)
) AS named (id)
WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1;

-- N11 nothing is left of what was refused: no order without lines, no event about an order that does not exist
SELECT o.id, NULL AS event_id FROM orders o WHERE NOT EXISTS (SELECT FROM order_items i WHERE i.order_id = o.id)
UNION ALL
SELECT aggregate_id, id FROM outbox e
WHERE aggregate_type = 'order' AND NOT EXISTS (SELECT FROM orders o WHERE o.id = e.aggregate_id);

-- N20 positions of the event log are dense: from the one after the last that was deleted to the last that was given
SELECT last, purged, count(position), min(position), max(position)
FROM feed_position LEFT JOIN events ON true GROUP BY last, purged
HAVING count(position) <> last - purged OR min(position) <> purged + 1 OR max(position) <> last;

-- N20 the events of an order are logged in the order's own sequence, none is missing, and none is both logged and waiting
SELECT order_id, position, sequence, previous FROM (
  SELECT order_id, position, sequence, lag(sequence) OVER (PARTITION BY order_id ORDER BY position NULLS LAST, sequence) AS previous
  FROM (
    SELECT order_id, position, sequence FROM events WHERE order_id IS NOT NULL
    UNION ALL
    SELECT aggregate_id, NULL, sequence FROM outbox WHERE aggregate_type = 'order'
  ) event
) event WHERE sequence <> previous + 1;

-- N20 an event of an order names its customer, and no event holds a secret
SELECT e.position, e.type, e.order_id, e.user_id FROM events e LEFT JOIN orders o ON o.id = e.order_id
WHERE (e.order_id IS NOT NULL AND o.user_id IS DISTINCT FROM e.user_id) OR e.payload ? 'token';
