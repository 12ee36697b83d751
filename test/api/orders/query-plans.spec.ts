import type { Client } from 'pg';
import type { Principal } from '../../../src/access/principal';
import { OrdersQuery } from '../../../src/orders/order-request.dto';
import { ORDER_STATUSES } from '../../../src/orders/order-status';
import {
  FIND_CUSTOMERS,
  pageStatement,
  type Statement,
  totalsStatement,
} from '../../../src/orders/reading/order-queries';
import { LEASE_EXPIRED, NEXT_WAITING } from '../../../src/processing/due-orders';
import { cloneTemplate, connected, type TestDatabase } from '../../support/database';

/** A hundredth of the rows; that there are a million of them the planner is told by its statistics. */
const FILL = `
  INSERT INTO users (name, email, password_hash) SELECT 'U' || n, 'u' || n || '@example.com', '' FROM generate_series(1, 1000) n;
  INSERT INTO products (name, price_cents) SELECT 'P' || n, 100 FROM generate_series(1, 1000) n;
  INSERT INTO orders (number, user_id, status, currency, total_quantity, total_amount_cents, created_at, completed_at, lease_until)
    SELECT 'ORD-' || n, 1 + n % 1000, status, 'USD', 1, 100 + n, timestamptz '2026-01-01' + n * interval '1 minute',
      CASE WHEN status = 'completed' THEN now() END, CASE WHEN status = 'processing' THEN now() + interval '1 minute' END
    FROM generate_series(1, 10000) n, LATERAL (SELECT CASE WHEN n % 20 < 6 THEN
      (ARRAY['pending', 'paid', 'processing', 'failed', 'cancelled', 'completed'])[1 + n % 20] ELSE 'completed' END AS status) s;
  INSERT INTO order_items (order_id, product_id, product_name, quantity, price_cents_at_purchase, line_total_cents, stock_reserved)
    SELECT 1 + n / 2, 1 + n % 1000, 'P', 1, 100, 100, false FROM generate_series(0, 19999) n;
  VACUUM (ANALYZE) orders; VACUUM (ANALYZE) order_items; VACUUM (ANALYZE) users; VACUUM (ANALYZE) products;
  UPDATE pg_class SET reltuples = reltuples * 100
    WHERE oid IN ('orders'::regclass, 'order_items'::regclass)
      OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN ('orders'::regclass, 'order_items'::regclass))`;

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneTemplate();
  await connected(database.url, async (client) => {
    for (const statement of FILL.split(/;\s/)) await client.query(statement);
  });
});
afterAll(() => database.drop());

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Cond'?: string;
  Plans?: Plan[];
}

/** Tables that grow with every order and that this plan reads from one end to the other, as rows or as an index. */
function readWhole(plan: Plan, above = ''): string[] {
  const { 'Node Type': type, 'Relation Name': table = '', Plans = [] } = plan;
  const scan = type === 'Seq Scan' || (type.startsWith('Index') && !plan['Index Cond'] && /Sort|Aggregate/.test(above));
  const below = Plans.flatMap((one) => readWhole(one, type));
  return scan && ['orders', 'order_items'].includes(table) ? [`${type} of ${table}`, ...below] : below;
}

/**
 * What this statement would read from one end to the other. It is planned as often as PostgreSQL plans a prepared statement
 * for its values, before it may take a plan for any values.
 */
async function scanned(client: Client, { text, values }: Statement): Promise<string[]> {
  const literals = values.map((value) => client.escapeLiteral(Array.isArray(value) ? `{${value}}` : String(value)));
  const execute = `EXECUTE statement${literals.length > 0 ? `(${literals})` : ''}`;
  await client.query(`PREPARE statement AS ${text}`);
  const found = new Set<string>();
  for (let planned = 0; planned <= 5; planned++) {
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${execute}`);
    for (const scan of readWhole(rows[0]['QUERY PLAN'][0].Plan)) found.add(scan);
  }
  await client.query('DEALLOCATE statement');
  return [...found];
}

const asAdmin: Principal = { type: 'user', id: 1, name: 'Admin', role: 'admin', requestId: 'r' };
const asUser: Principal = { ...asAdmin, id: 2, role: 'user' };
const month = { created_from: '2026-01-03T00:00:00.000Z', created_to: '2026-01-04T00:00:00.000Z' };
const cursor = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString('base64url');

const LISTS: [string, Principal, Partial<OrdersQuery>][] = [
  ['everything', asAdmin, {}],
  ...(['created_at', 'total_amount_cents', '-total_amount_cents', 'id', '-id'] as const).map(
    (sort): [string, Principal, Partial<OrdersQuery>] => [`sorted by ${sort}`, asAdmin, { sort }],
  ),
  ['the 500th page', asAdmin, { offset: 9_980 }],
  ['the next page', asAdmin, { cursor: cursor('-created_at', '2026-01-04T00:00:00.000Z', 5_000) }],
  ['the next page by amount', asAdmin, { sort: 'total_amount_cents', cursor: cursor('total_amount_cents', 500, 400) }],
  ...ORDER_STATUSES.map((status): [string, Principal, Partial<OrdersQuery>] => [status, asAdmin, { status: [status] }]),
  ['several statuses', asAdmin, { status: ['pending', 'paid'] }],
  ['a status of a month', asAdmin, { status: ['failed'], ...month }],
  ['a month', asAdmin, month],
  ['a month by amount', asAdmin, { ...month, sort: '-total_amount_cents' }],
  ['the large ones', asAdmin, { min_total_cents: 9_900 }],
  ['the large ones of a status', asAdmin, { min_total_cents: 9_900, status: ['completed'] }],
  ['a range of amounts', asAdmin, { min_total_cents: 500, max_total_cents: 600 }],
  ['a product', asAdmin, { product_id: 7 }],
  ['a product of a status', asAdmin, { product_id: 7, status: ['failed'] }],
  ['a customer', asAdmin, { user_id: 7 }],
  ['a customer by name', asAdmin, { q: 'U77' }],
  ['a number', asAdmin, { q: 'ORD-77' }],
  ['a number that nobody has', asAdmin, { q: '77777' }],
  ['my own', asUser, {}],
  ['my own of a status', asUser, { status: ['completed'] }],
  ['my own by amount', asUser, { sort: '-total_amount_cents' }],
  ['my own of a month', asUser, month],
  ['my own with a product', asUser, { product_id: 7 }],
  ['my own by a word', asUser, { q: 'ORD-77' }],
];

it.each(LISTS)('a list of %s reads no table of orders from end to end', async (_, principal, asked) => {
  const query = Object.assign(new OrdersQuery(), asked);
  await connected(database.url, async (client) => {
    const named = await client.query('SELECT id FROM users WHERE name LIKE $1', [`%${query.q}%`]);
    const customers = named.rows.map(({ id }) => id);
    const page = pageStatement(query, principal, customers);
    const totals = totalsStatement(query, principal, customers);
    expect(await scanned(client, page)).toEqual([]);
    expect(await scanned(client, totals)).toEqual([]);
  });
});

it('a search for customers reads the index of their words, not their table', async () => {
  await connected(database.url, async (client) => {
    const plan = await client.query(`EXPLAIN ${FIND_CUSTOMERS.text.replaceAll('$1', "'u 77'")}`);
    expect(JSON.stringify(plan.rows)).toContain('users_search');
  });
});

it('neither does the sweep, nor the search for orders whose worker is gone', async () => {
  await connected(database.url, async (client) => {
    const waiting = [
      ['pending', '-infinity', 0],
      ['paid', '2026-01-03', 500],
    ];
    for (const values of waiting) expect(await scanned(client, { text: NEXT_WAITING, values })).toEqual([]);
    expect(await scanned(client, { text: LEASE_EXPIRED, values: [] })).toEqual([]);
  });
});
