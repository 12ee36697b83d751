import type { EntityManager } from 'typeorm';
import { isStaff, type Principal } from '../../access/principal';
import { iso, prepared, runPrepared } from '../../database/prepared-statement';
import { containsText } from '../../database/search';
import { decodeCursor, type Page, page } from '../../http/dto/pagination';
import { itemsOf, type OrderRow, orderColumns } from '../order-columns';
import type { OrderSort, OrdersQuery } from '../order-request.dto';

/** The columns of {@link OrderRow}; `o` is the order, `u` its customer. The items come along: one round trip, not two. */
const COLUMNS = `${orderColumns('o')}, u.name AS user_name, ${itemsOf('o.id')} AS items`;

/** What a client may sort by, and the column behind it. The id breaks ties, so that pages never overlap. */
const SORT_COLUMNS = {
  created_at: { column: 'o.created_at', kind: 'time' },
  total_amount_cents: { column: 'o.total_amount_cents', kind: 'amount' },
  id: { column: 'o.id', kind: 'id' },
} as const;
type SortKey = keyof typeof SORT_COLUMNS;

/** Collects conditions and their values. Only the fragments written here become SQL; what a client sends is always a value. */
class WhereBuilder {
  readonly values: unknown[] = [];
  private readonly parts: string[] = [];

  /** Adds a condition in which each `?` stands for one of `values`, unless the first of them is undefined. */
  add(sql: string, ...values: unknown[]): void {
    if (values[0] === undefined) return;
    const rest = values.values();
    this.parts.push(sql.replaceAll('?', () => this.value(rest.next().value)));
  }

  get where(): string {
    return this.parts.length > 0 ? `WHERE ${this.parts.join(' AND ')}` : '';
  }

  /** The placeholder of one more value. */
  value(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

function whereOf(query: OrdersQuery, principal: Principal, customers: number[]): WhereBuilder {
  const conditions = new WhereBuilder();
  if (!isStaff(principal)) conditions.add('o.user_id = ?', principal.id);
  conditions.add('o.user_id = ?', query.user_id);
  // One status by equality: only then does the index (status, created_at, id) also give the order.
  if (query.status?.length === 1) conditions.add('o.status = ?', query.status[0]);
  else conditions.add('o.status = ANY(?)', query.status);
  conditions.add('EXISTS (SELECT FROM order_items i WHERE i.order_id = o.id AND i.product_id = ?)', query.product_id);
  conditions.add('o.created_at >= ?', query.created_from);
  conditions.add('o.created_at < ?', query.created_to && endOf(query.created_to));
  conditions.add('o.total_amount_cents >= ?', query.min_total_cents);
  conditions.add('o.total_amount_cents <= ?', query.max_total_cents);
  conditions.add(
    "(o.number LIKE 'ORD-' || regexp_replace(upper(?), '^ORD-', '') || '%' OR o.user_id = ANY (?))",
    query.q?.replace(/[\\%_]/g, '\\$&'),
    customers,
  );
  return conditions;
}

/** The end of a range of times, which a date alone includes as a whole day. */
export function endOf(text: string): string {
  // The last day that can be written has no next one.
  if (text.length !== '2026-01-31'.length || text === '9999-12-31') return text;
  return new Date(Date.parse(text) + 86_400_000).toISOString();
}

/** SQL and its values. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** Customers whose orders one search shows: those who registered first, so that pages stay stable. */
const MAX_CUSTOMERS = 1_000;

/** Planned each time: how customers are best found depends on how many have the words of `$1`. */
export const FIND_CUSTOMERS = {
  name: undefined,
  text: `SELECT id FROM users u WHERE ${containsText('u', '$1')} ORDER BY id LIMIT ${MAX_CUSTOMERS}`,
};

/**
 * Ids of the first {@link MAX_CUSTOMERS} customers whose name, e-mail or username contains `query.q`; a `user` searches no
 * customers. They are asked for first, because how a list is best read depends on how many there are.
 */
export async function findCustomers(
  manager: EntityManager,
  { q }: OrdersQuery,
  principal: Principal,
): Promise<number[]> {
  if (q === undefined || !isStaff(principal)) return [];
  const users = await runPrepared<{ id: number }>(manager, FIND_CUSTOMERS, [q]);
  return users.map(({ id }) => id);
}

/** One row more than the page asks for, in its order. Errors: VALIDATION_FAILED (cursor). */
export function pageStatement(query: OrdersQuery, principal: Principal, customers: number[] = []): Statement {
  const conditions = whereOf(query, principal, customers);
  const key = query.sort.replace('-', '') as SortKey;
  const direction = query.sort.startsWith('-') ? 'DESC' : 'ASC';
  const { column, kind } = SORT_COLUMNS[key];
  if (query.cursor !== undefined) {
    const after = decodeCursor(query.cursor, query.sort, kind);
    conditions.add(`(${column}, o.id) ${direction === 'DESC' ? '<' : '>'} (?, ?)`, after.key, after.id);
  }
  const order = `ORDER BY ${column} ${direction}, o.id ${direction}`;
  // The page is found by ids alone, which an index can answer; only its own rows are then read and joined.
  const text = `SELECT ${COLUMNS} FROM (
      SELECT id FROM (
        SELECT o.id, ${column} AS position FROM orders o ${conditions.where} ${order} LIMIT ${idLimitOf(query)}
      ) ids ORDER BY position ${direction}, id ${direction}
      LIMIT ${conditions.value(query.limit + 1)} ${query.offset ? `OFFSET ${conditions.value(query.offset)}` : ''}
    ) page JOIN orders o USING (id) JOIN users u ON u.id = o.user_id ${order}`;
  return { text, values: conditions.values };
}

/** Limits that stand in the text of a statement. */
const ID_LIMITS = [21, 51, 101, 1_001, 10_101];

/**
 * A limit for the ids, as a literal: from a parameter the planner would expect a tenth of all orders, and read them in a
 * way that suits so many. There are few such limits, so that there are few texts.
 */
const idLimitOf = ({ limit, offset = 0 }: OrdersQuery): number =>
  ID_LIMITS.find((most) => most > offset + limit) as number;

/**
 * Number, pieces and cents of all orders that match. The counters know the sums of all orders and of those of some statuses;
 * any other filter, and a customer's own orders, are counted.
 */
export function totalsStatement(query: OrdersQuery, principal: Principal, customers: number[] = []): Statement {
  const conditions = whereOf(query, principal, customers);
  const { limit, offset, cursor, sort, totals, status, ...others } = query;
  const counted = isStaff(principal) && Object.values(others).every((value) => value === undefined);
  const [total, from] = counted ? ['coalesce(sum(o.orders), 0)', 'order_counters'] : ['count(*)', 'orders'];
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
  customers: number[],
): Promise<{ rows: OrderRow[]; page: Page }> {
  const rows = await run<OrderRow>(manager, query, pageStatement(query, principal, customers));
  return page(query, rows, (row) => ({ sort: query.sort, key: positionOf(row, query.sort), id: row.id }));
}

function positionOf(row: OrderRow, sort: OrderSort): string | number {
  const value = row[sort.replace('-', '') as SortKey];
  return typeof value === 'string' ? iso(value) : value;
}

interface Totals {
  total: number;
  total_quantity: number;
  total_amount_cents: number;
}

/** Number, pieces and cents of all orders that match, whatever page is shown. */
export async function totalsOf(
  manager: EntityManager,
  query: OrdersQuery,
  principal: Principal,
  customers: number[],
): Promise<Totals> {
  const [totals] = await run<Totals>(manager, query, totalsStatement(query, principal, customers));
  return totals as Totals;
}

/** A search is planned each time: one plan for any word would read every order. */
function run<Row extends object>(
  manager: EntityManager,
  { q }: OrdersQuery,
  { text, values }: Statement,
): Promise<Row[]> {
  return runPrepared<Row>(manager, q === undefined ? prepared(text) : { name: undefined, text }, values);
}

/** One order by id or number, if it exists and `principal` may see it. */
export async function findOrder(
  manager: EntityManager,
  by: { id: number } | { number: string },
  principal: Principal,
): Promise<OrderRow | undefined> {
  const conditions = new WhereBuilder();
  if ('id' in by) conditions.add('o.id = ?', by.id);
  else conditions.add('o.number = ?', by.number);
  if (!isStaff(principal)) conditions.add('o.user_id = ?', principal.id);
  const text = `SELECT ${COLUMNS} FROM orders o JOIN users u ON u.id = o.user_id ${conditions.where}`;
  return (await runPrepared<OrderRow>(manager, prepared(text), conditions.values))[0];
}
