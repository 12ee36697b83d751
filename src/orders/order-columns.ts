import type { OrderItemResponse } from './order-response.dto';
import type { OrderStatus } from './order-status';

/**
 * An order as queries return it and as an idempotency key stores it. Times are text as PostgreSQL writes them, by itself or
 * in JSON: see `iso` in `database/prepared-statement.ts`.
 */
export interface OrderRow {
  id: number;
  number: string;
  user_id: number;
  /** The customer's name, from `users`. */
  user_name: string;
  status: OrderStatus;
  currency: string;
  total_quantity: number;
  total_amount_cents: number;
  address: string | null;
  note: string | null;
  metadata: Record<string, unknown>;
  version: number;
  failure_reason: string | null;
  created_at: string;
  updated_at: string;
  processing_started_at: string | null;
  completed_at: string | null;
  items: OrderItemResponse[];
}

/** The columns of `orders` in {@link OrderRow}; `user_name` and `items` come from elsewhere. */
const ORDER_COLUMNS: readonly Exclude<keyof OrderRow, 'user_name' | 'items'>[] = [
  ...(['id', 'number', 'user_id', 'status', 'currency', 'total_quantity', 'total_amount_cents'] as const),
  ...(['address', 'note', 'metadata', 'version', 'failure_reason'] as const),
  ...(['created_at', 'updated_at', 'processing_started_at', 'completed_at'] as const),
];

/** The columns of an item in `items`. */
const ITEM_COLUMNS: readonly (keyof OrderItemResponse)[] = [
  ...(['id', 'product_id', 'sku', 'product_name', 'quantity', 'price_cents_at_purchase', 'line_total_cents'] as const),
];

/** The columns of {@link OrderRow} that lie in `orders`, from `source`. */
export const orderColumns = (source: string): string => ORDER_COLUMNS.map((column) => `${source}.${column}`).join(', ');

/** The columns of an item, for a SELECT or a RETURNING. */
export const ITEMS = ITEM_COLUMNS.join(', ');

/** `items` of the order with this id, as JSON; `source` is `order_items`, or what a statement has just inserted there. */
export const itemsOf = (order: string, source = 'order_items'): string =>
  `(SELECT coalesce(json_agg(item ORDER BY item.id), '[]') FROM (SELECT ${ITEMS} FROM ${source} WHERE order_id = ${order}) item)`;
