import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { type PreparedQuery, runPrepared } from '../database/prepared-statement';

/**
 * Moves the stock of an order's tracked products, one row of the ledger a product. Products are locked in the order of
 * their ids, so that two orders over the same products never wait for each other in a circle.
 */
const MOVE_STOCK: PreparedQuery = {
  name: 'move-stock',
  text: `
    WITH item AS (
      SELECT product_id, quantity FROM order_items WHERE order_id = $1 AND stock_reserved
    ), locked AS (
      SELECT id, quantity FROM products JOIN item ON product_id = id ORDER BY id FOR UPDATE OF products
    ), moved AS (
      UPDATE products p
      SET on_hand = on_hand + quantity * $4, reserved = reserved + quantity * $5, updated_at = now()
      FROM locked WHERE p.id = locked.id AND p.reserved + quantity * $5 <= p.on_hand + quantity * $4
      RETURNING p.id, quantity
    ), movement AS (
      INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type, actor_id)
      SELECT id, $3, quantity * $4, quantity * $5, $1, $2, $6, $7 FROM moved
    )
    SELECT (SELECT count(*) FROM item) = (SELECT count(*) FROM moved) AS complete`,
};

/** What each kind of movement does to (on_hand, reserved), a piece. */
const DELTAS = { reserve: [0, 1], release: [0, -1], ship: [-1, -1] } as const;

/**
 * Reserves, releases or ships everything that the order's items hold. Runs inside the transaction of `manager`.
 * Returns false when there is not enough to reserve; the caller must then roll back.
 */
export async function moveStock(
  manager: EntityManager,
  kind: keyof typeof DELTAS,
  order: { id: number; cycle: number },
  actor: Principal,
): Promise<boolean> {
  const [onHand, reserved] = DELTAS[kind];
  const values = [order.id, order.cycle, kind, onHand, reserved, actor.type, actor.id];
  const [row] = await runPrepared<{ complete: boolean }>(manager, MOVE_STOCK, values);
  return row?.complete === true;
}
