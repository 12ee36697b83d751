import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';

/** Tables that a folder names in SQL although another folder owns them, and why it may. */
const LISTED: Record<string, string[]> = {
  // Sessions live as long as their user's token version.
  auth: ['users'],
  // The statement that places orders writes all that belongs to one, in one transaction; lists join their customers.
  orders: ['idempotency_keys', 'outbox', 'products', 'stock_movements', 'users'],
  // Due orders and leases are read and set where they are used.
  processing: ['orders'],
  // The two counters of a product are moved with the ledger.
  stock: ['products'],
  // A token is written with the event that brings it to its user.
  users: ['outbox'],
  // Reads the event log.
  feed: ['events', 'feed_position'],
  metrics: ['feed_position', 'order_counters', 'orders', 'outbox'],
};

const SRC = resolve(__dirname, '../../src');
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file.includes(sep) && !file.includes(`${sep}migrations${sep}`))
  .map((file) => ({ folder: file.split(sep)[0] as string, text: readFileSync(join(SRC, file), 'utf8') }));

/** The folder of each table's entity. */
const owners = new Map(
  sources.flatMap(({ folder, text }) =>
    [...text.matchAll(/@Entity\('(\w+)'\)/g)].map(([, table]) => [table as string, folder] as const),
  ),
);

const NAMED = new RegExp(`\\b(?:FROM|JOIN|INTO|UPDATE|USING|TABLE)\\s+(${[...owners.keys()].join('|')})\\b`, 'g');

/** The tables of others that each folder names in SQL. */
const foreign = new Map<string, Set<string>>();
for (const { folder, text } of sources) {
  for (const [, table] of text.matchAll(NAMED)) {
    if (owners.get(table as string) === folder) continue;
    foreign.set(folder, (foreign.get(folder) ?? new Set()).add(table as string));
  }
}

it('finds the tables and who names them', () => {
  expect(owners.size).toBeGreaterThan(12);
  expect(owners.get('orders')).toBe('orders');
  expect(foreign.get('stock')).toEqual(new Set(['products']));
});

it('a table is named in SQL by the folder that owns it, or by one that is listed; nothing is listed in vain', () => {
  const found = Object.fromEntries([...foreign].map(([folder, tables]) => [folder, [...tables].sort()]));
  expect(found).toEqual(LISTED);
});
