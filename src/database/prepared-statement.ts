import { type ClientBase, type CustomTypesConfig, type QueryResultRow, types } from 'pg';
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

/** Times stay text: a page of a list has dozens, and to make a Date of each and text of it again takes a quarter of its time. */
const timesAsText: CustomTypesConfig = {
  getTypeParser: (type, format) =>
    type === types.builtins.TIMESTAMPTZ ? (text: string) => text : types.getTypeParser(type, format),
};

/**
 * Runs a prepared statement on the connection of `manager`: inside a transaction on that transaction's connection,
 * otherwise on one that is borrowed for this statement alone. TypeORM itself never names its statements, which costs an
 * order half of its throughput. Times come as PostgreSQL writes them, see {@link iso}.
 */
export async function runPrepared<Row extends QueryResultRow>(
  manager: EntityManager,
  query: PreparedQuery,
  values: unknown[],
): Promise<Row[]> {
  const runner = manager.queryRunner ?? (manager.connection as DataSource).createQueryRunner();
  try {
    const client: ClientBase = await runner.connect();
    const { rows } = await client.query<Row>({ ...query, values, types: timesAsText });
    return rows;
  } finally {
    if (!manager.queryRunner) await runner.release();
  }
}

/** A `timestamptz(3)` as PostgreSQL writes it in UTC, by itself or in JSON, as ISO 8601 with milliseconds. */
export function iso(text: string): string {
  const fraction = text.slice(19, text.indexOf('+'));
  return `${text.slice(0, 10)}T${text.slice(11, 19)}${(fraction || '.').padEnd(4, '0')}Z`;
}
