import type { EntityManager } from 'typeorm';
import { decodeCursor, type Page, page, refuseBoth } from '../common/pagination';
import { type Principal, seesAll } from '../common/principal';
import { prepared, runPrepared } from '../database/prepared';
import type { OrderRow, OrderSort, OrdersQuery } from './order.dto';

/** The columns of {@link OrderRow}; `o` is the order, `u` its customer. The items come along: one round trip, not two. */
const COLUMNS = `o.id, o.number, o.user_id, u.name AS user_name, o.status, o.currency, o.total_quantity, o.total_amount_cents,
  o.address, o.note, o.metadata, o.version, o.failure_reason, o.created_at, o.updated_at, o.processing_started_at, o.completed_at,
  (SELECT coalesce(json_agg(item ORDER BY item.id), '[]') FROM (
    SELECT id, product_id, sku, product_name, quantity, price_cents_at_purchase, line_total_cents
    FROM order_items WHERE order_id = o.id) item) AS items`;

/** What a client may sort by, and the column behind it. The id breaks ties, so that pages never overlap. */
const SORT_COLUMNS = {
  created_at: { column: 'o.created_at', kind: 'time' },
  total_amount_cents: { column: 'o.total_amount_cents', kind: 'amount' },
  id: { column: 'o.id', kind: 'id' },
} as const;
type SortKey = keyof typeof SORT_COLUMNS;

/** Conditions and their values; only the fragments written here become SQL, what the client sends is always a value. */
class Conditions {
  readonly values: unknown[] = [];
  private readonly parts: string[] = [];

  /** Adds a condition in which `?` stands for `value`, unless the value is undefined. */
  add(sql: string, value: unknown): void {
    if (value === undefined) return;
    this.parts.push(sql.replaceAll('?', `$${this.values.push(value)}`));
  }

  get where(): string {
    return this.parts.length > 0 ? `WHERE ${this.parts.join(' AND ')}` : '';
  }
}

function conditionsOf(query: OrdersQuery, principal: Principal): Conditions {
  const conditions = new Conditions();
  if (!seesAll(principal)) conditions.add('o.user_id = ?', principal.id);
  conditions.add('o.user_id = ?', query.user_id);
  // One status by equality: only then does the index (status, created_at, id) also give the order.
  if (query.status?.length === 1) conditions.add('o.status = ?', query.status[0]);
  else conditions.add('o.status = ANY(?)', query.status);
  conditions.add('EXISTS (SELECT FROM order_items i WHERE i.order_id = o.id AND i.product_id = ?)', query.product_id);
  conditions.add('o.created_at >= ?', query.created_from);
  conditions.add('o.created_at < ?', query.created_to);
  conditions.add('o.total_amount_cents >= ?', query.min_total_cents);
  conditions.add('o.total_amount_cents <= ?', query.max_total_cents);
  // The customers as an array: found once, and then looked up in the index. A subquery would be tried on every order.
  conditions.add(
    `(o.number LIKE 'ORD-' || regexp_replace(upper(?), '^ORD-', '') || '%' OR o.user_id = ANY (ARRAY(
      SELECT id FROM users WHERE name ILIKE '%' || ? || '%' OR email ILIKE '%' || ? || '%')))`,
    query.q?.replace(/[\\%_]/g, '\\$&'),
  );
  return conditions;
}

/** SQL and its values. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** One row more than the page asks for, in its order. Errors: VALIDATION_FAILED (cursor). */
export function pageStatement(query: OrdersQuery, principal: Principal): Statement {
  const conditions = conditionsOf(query, principal);
  const key = query.sort.replace('-', '') as SortKey;
  const direction = query.sort.startsWith('-') ? 'DESC' : 'ASC';
  const { column, kind } = SORT_COLUMNS[key];
  if (query.cursor !== undefined) {
    const after = decodeCursor(query.cursor, query.sort, kind);
    conditions.add(`(${column}, o.id) ${direction === 'DESC' ? '<' : '>'} (?, ${after.id})`, after.key);
  }
  const order = `ORDER BY ${column} ${direction}, o.id ${direction}`;
  // The page is found by ids alone, which an index can answer; only its own rows are then read and joined.
  const text = `SELECT ${COLUMNS}
    FROM (SELECT o.id FROM orders o ${conditions.where} ${order} LIMIT ${query.limit + 1} OFFSET ${query.offset ?? 0}) page
    JOIN orders o USING (id) JOIN users u ON u.id = o.user_id ${order}`;
  return { text, values: conditions.values };
}

/**
 * Number, pieces and cents of all orders that match. Of all orders, or of those of some statuses, the tallies know the
 * sums; everything else is counted.
 */
export function totalsStatement(query: OrdersQuery, principal: Principal): Statement {
  const conditions = conditionsOf(query, principal);
  const tallied = conditions.values.length === (query.status ? 1 : 0);
  const [total, from] = tallied ? ['coalesce(sum(o.orders), 0)', 'order_tallies'] : ['count(*)', 'orders'];
  const text = `SELECT ${total} AS total, coalesce(sum(o.total_quantity), 0) AS total_quantity,
      coalesce(sum(o.total_amount_cents), 0) AS total_amount_cents
    FROM ${from} o ${conditions.where}`;
  return { text, values: conditions.values };
}

/** One page of the orders that `principal` may see, with their items. Errors: VALIDATION_FAILED (cursor). */
export async function listOrders(
  manager: EntityManager,
  query: OrdersQuery,
  principal: Principal,
): Promise<{ rows: OrderRow[]; page: Page }> {
  refuseBoth(query);
  const { text, values } = pageStatement(query, principal);
  const rows = await runPrepared<OrderRow>(manager, prepared(text), values);
  return page(query, rows, (row) => ({ sort: query.sort, key: positionOf(row, query.sort), id: row.id }));
}

function positionOf(row: OrderRow, sort: OrderSort): string | number {
  const value = row[sort.replace('-', '') as SortKey];
  return value instanceof Date ? value.toISOString() : value;
}

interface Totals {
  total: number;
  total_quantity: number;
  total_amount_cents: number;
}

/** Number, pieces and cents of all orders that match, whatever page is shown. */
export async function totalsOf(manager: EntityManager, query: OrdersQuery, principal: Principal): Promise<Totals> {
  const { text, values } = totalsStatement(query, principal);
  const [totals] = await runPrepared<Totals>(manager, prepared(text), values);
  return totals as Totals;
}

/** One order by id or number, if it exists and `principal` may see it. */
export async function findOrder(
  manager: EntityManager,
  by: { id: number } | { number: string },
  principal: Principal,
): Promise<OrderRow | undefined> {
  const conditions = new Conditions();
  if ('id' in by) conditions.add('o.id = ?', by.id);
  else conditions.add('o.number = ?', by.number);
  if (!seesAll(principal)) conditions.add('o.user_id = ?', principal.id);
  const text = `SELECT ${COLUMNS} FROM orders o JOIN users u ON u.id = o.user_id ${conditions.where}`;
  return (await runPrepared<OrderRow>(manager, prepared(text), conditions.values))[0];
}
