import type { EntityManager } from 'typeorm';

/** Rows up to which summing them costs less than folding them. */
const FEW = 100;

/**
 * Folds the rows of `order_counters` into one for each status. Every change of an order adds rows instead of raising a
 * counter, because a counter is a row that all orders would queue for; so somebody has to add them up now and then.
 */
export async function compactOrderCounters(manager: EntityManager): Promise<void> {
  await manager.query(
    `WITH folded AS (DELETE FROM order_counters WHERE (SELECT count(*) FROM order_counters) > $1 RETURNING *)
     INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
     SELECT status, sum(orders), sum(total_quantity), sum(total_amount_cents) FROM folded GROUP BY status`,
    [FEW],
  );
}
