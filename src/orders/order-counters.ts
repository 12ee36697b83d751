import type { EntityManager } from 'typeorm';

/** Rows up to which summing them costs less than folding them. */
const FEW = 100;

/** Rows that one statement folds at most, so that it holds few locks and ends soon however many there are. */
const STEP = 10_000;

/**
 * Folds the rows of `order_counters` into one for each status. Every change of an order adds rows instead of raising a
 * counter, because a counter is a row that all orders would queue for; so somebody has to add them up now and then. The
 * oldest come first, and each step commits by itself.
 */
export async function compactOrderCounters(manager: EntityManager): Promise<void> {
  let folded: number;
  do {
    [{ folded }] = await manager.query(
      `WITH oldest AS (SELECT id FROM order_counters ORDER BY id LIMIT $2),
       folded AS (DELETE FROM order_counters WHERE id IN (SELECT id FROM oldest) AND (SELECT count(*) FROM oldest) > $1
         RETURNING *),
       sums AS (INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
         SELECT status, sum(orders), sum(total_quantity), sum(total_amount_cents) FROM folded GROUP BY status)
       SELECT count(*) AS folded FROM folded`,
      [FEW, STEP],
    );
  } while (folded === STEP);
}
