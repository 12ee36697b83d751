import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { type PreparedQuery, runPrepared } from '../database/prepared-statement';

/** Pieces of one tracked product. */
export interface StockLine {
  product_id: number;
  quantity: number;
}

/** What each kind of movement does to (on_hand, reserved), a piece. */
const DELTAS = { reserve: [0, 1], release: [0, -1], ship: [-1, -1] } as const;

/**
 * Moves stock, one row of the ledger a product. Products are locked in the order of their ids, so that two transactions
 * over the same products cannot deadlock.
 */
const MOVE_STOCK: PreparedQuery = {
  name: 'move-stock',
  text: `
    WITH line AS (
      SELECT * FROM unnest($1::bigint[], $2::int[]) AS line (product_id, quantity)
    ), locked AS (
      SELECT id, quantity FROM products JOIN line ON product_id = id ORDER BY id FOR UPDATE OF products
    ), moved AS (
      UPDATE products p
      SET on_hand = on_hand + quantity * $3, reserved = reserved + quantity * $4, updated_at = now()
      FROM locked WHERE p.id = locked.id AND p.reserved + quantity * $4 <= p.on_hand + quantity * $3
      RETURNING p.id, quantity
    ), movement AS (
      INSERT INTO stock_movements (product_id, kind, on_hand_delta, reserved_delta, order_id, cycle, actor_type, actor_id)
      SELECT id, $5, quantity * $3, quantity * $4, $6, $7, $8, $9 FROM moved
    )
    SELECT count(*)::int AS moved FROM moved`,
};

/**
 * Reserves, releases or ships these lines, of different products, for a cycle of an order. Runs in the transaction of
 * `manager`. Returns false when there is not enough to reserve; the caller must then roll back.
 */
export async function moveStock(
  manager: EntityManager,
  kind: keyof typeof DELTAS,
  lines: StockLine[],
  order: { id: number; cycle: number },
  actor: Principal,
): Promise<boolean> {
  if (lines.length === 0) return true;
  const columns = [lines.map(({ product_id }) => product_id), lines.map(({ quantity }) => quantity)];
  const values = [...columns, ...DELTAS[kind], kind, order.id, order.cycle, actor.type, actor.id];
  const [row] = await runPrepared<{ moved: number }>(manager, MOVE_STOCK, values);
  return row?.moved === lines.length;
}
