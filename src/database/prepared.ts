import type { ClientBase, QueryResultRow } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';

/** Hand-written SQL of a hot path. PostgreSQL parses and plans a named statement once per connection. */
export interface PreparedQuery {
  /** undefined for a statement that is not kept. */
  readonly name: string | undefined;
  readonly text: string;
}

/** Statements with a text of their own that one connection keeps at most: each costs the server some 50 kB. */
const KEPT = 64;
const names = new Map<string, string>();

/**
 * A query whose text depends on what a client asked for. The first {@link KEPT} texts stay prepared, because planning a list
 * takes longer than running it; later ones are planned each time, so that nobody can fill the server's memory.
 */
export function prepared(text: string): PreparedQuery {
  if (!names.has(text) && names.size < KEPT) names.set(text, `query-${names.size + 1}`);
  return { name: names.get(text), text };
}

/**
 * Runs a prepared statement on the connection of `manager`: inside a transaction on that transaction's connection,
 * otherwise on one that is borrowed for this statement alone. TypeORM itself never names its statements, which costs an
 * order half of its throughput.
 */
export async function runPrepared<Row extends QueryResultRow>(
  manager: EntityManager,
  query: PreparedQuery,
  values: unknown[],
): Promise<Row[]> {
  const runner = manager.queryRunner ?? (manager.connection as DataSource).createQueryRunner();
  try {
    const client: ClientBase = await runner.connect();
    const { rows } = await client.query<Row>({ ...query, values });
    return rows;
  } finally {
    if (!manager.queryRunner) await runner.release();
  }
}
