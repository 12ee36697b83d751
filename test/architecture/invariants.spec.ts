import { startApp, type TestApp } from '../support/app';
import { connected } from '../support/database';
import { brokenInvariants } from '../support/invariants';

let app: TestApp;
beforeAll(async () => {
  // Without a relay, so that the events stay where they are.
  app = await startApp({ SERVICE_ROLE: 'api' });
  const lamp = await app.newProduct();
  const order = { items: [{ product_id: lamp.id, quantity: 2 }] };
  await app.admin.with({ 'idempotency-key': 'a' }).post('orders', order);
  const { body: cancelled } = await app.admin.with({ 'idempotency-key': 'b' }).post('orders', order);
  await app.admin.patch(`orders/${cancelled.id}/cancel`);
});
afterAll(() => app.close());

it.each([
  ['N2', `UPDATE idempotency_keys SET response = (SELECT response FROM idempotency_keys WHERE key = 'a')`],
  ['N2', `UPDATE idempotency_keys SET response = response || '{"id": 99}' WHERE key = 'a'`],
  [
    'N3',
    `INSERT INTO order_history SELECT order_id, version + 1, from_status, to_status, attempt, actor_type, actor_id, actor_name FROM order_history WHERE version = 2`,
  ],
  ['N4', 'UPDATE products SET on_hand = on_hand + 1'],
  ['N4', 'UPDATE products SET reserved = reserved + 1'],
  ['N4', 'UPDATE products SET on_hand = NULL, reserved = NULL'],
  ['N5', `DELETE FROM stock_movements WHERE kind = 'release'`],
  ['N5', `DELETE FROM stock_movements WHERE kind = 'reserve'`],
  ['N5', `UPDATE stock_movements SET reserved_delta = reserved_delta + 1 WHERE kind = 'reserve'`],
  ['N5', `UPDATE stock_movements SET cycle = 1 WHERE kind = 'release'`],
  ['N5', 'UPDATE order_items SET stock_reserved = false'],
  ['N6', 'UPDATE orders SET total_amount_cents = total_amount_cents + 1'],
  ['N6', 'UPDATE orders SET total_quantity = total_quantity + 1'],
  ['N6', 'DELETE FROM order_counters'],
  ['N6', `UPDATE order_counters SET orders = orders + 1 WHERE status = 'cancelled'`],
  ['N6', `INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents) VALUES ('paid', 0, 1, 0)`],
  ['N7', 'DELETE FROM order_history WHERE from_status IS NULL'],
  ['N7', `DELETE FROM order_history WHERE from_status = 'pending'`],
  ['N7', `UPDATE order_history SET to_status = 'completed' WHERE from_status = 'pending'`],
  ['N7', 'UPDATE order_history SET version = version + 9'],
  ['N7', 'UPDATE order_history SET actor_id = NULL'],
  ['N7', 'UPDATE order_history SET actor_id = 99'],
  [
    'N8',
    `INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload)
     SELECT topic, aggregate_type, aggregate_id, sequence, payload FROM outbox`,
  ],
  ['N8', queueing('{"aggregate_type": "order", "aggregate_id": 1, "sequence": 1}')],
  ['N8', `${queueing('{"event_id": "7"}')}; ${queueing('{"event_id": "7"}')}`],
  ['N20', 'UPDATE feed_position SET last = last + 1'],
  ['N20', `${logging(2)}; UPDATE feed_position SET last = 2`],
  ['N20', `${logging(1)}; UPDATE outbox SET sequence = 5; UPDATE feed_position SET last = 1`],
  ['N20', `${logging(1)}; UPDATE events SET user_id = 99; UPDATE feed_position SET last = 1`],
  ['N20', `${logging(1)}; UPDATE events SET payload = '{"token": "x"}'; UPDATE feed_position SET last = 1`],
  ['N11', 'DELETE FROM order_items'],
  ['N11', 'UPDATE outbox SET aggregate_id = 99'],
])('%s finds what breaks it: %s', async (rule, damage) => {
  const broken = await connected(app.databaseUrl, async (client) => {
    await client.query('BEGIN');
    await client.query(damage);
    return brokenInvariants(client);
  });
  expect(broken).toContainEqual(expect.stringMatching(`^${rule} `));
});

/** Puts a mail about an event into the queue. */
function queueing(event: string): string {
  return `INSERT INTO pgboss.job (name, data) VALUES ('mail', '${event}')`;
}

/** Writes the first event of the outbox into the log, at this position. */
function logging(position: number): string {
  return `
    WITH taken AS (DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox) RETURNING *)
    INSERT INTO events SELECT ${position}, event_id, topic, aggregate_id, payload ->> 'order_number',
      (payload ->> 'user_id')::bigint, sequence, '{}', payload -> 'actor', occurred_at FROM taken`;
}
