import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { TRANSITIONS } from '../../src/orders/order-status';

const SQL = readFileSync(join(__dirname, 'invariants.sql'), 'utf8');

/** The rules of invariants.sql: the comment that names the rule, and the query that finds what breaks it. */
const INVARIANTS = SQL.split(/;\n/).flatMap((part) => {
  const [, rule, query] = /^-- (N\d+ [^\n]*)\n(.+)/ms.exec(part) ?? [];
  return rule && query ? [{ rule, query }] : [];
});

/** What in this database breaks a rule of invariants.sql, as lines to read; empty when all of them hold. */
export async function brokenInvariants(client: ClientBase): Promise<string[]> {
  const edges = TRANSITIONS.map(({ from, to }) => `('${from}', '${to}')`).join(', ');
  await client.query(`CREATE TEMP TABLE transition (from_status, to_status) AS VALUES ${edges}`);
  const broken: string[] = [];
  for (const { rule, query } of INVARIANTS) {
    const { rows } = await client.query(query);
    if (rows.length > 0) broken.push(`${rule}: ${JSON.stringify(rows.slice(0, 5))}`);
  }
  return broken;
}
