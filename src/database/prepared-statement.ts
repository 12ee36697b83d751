import { createHash } from 'node:crypto';
import { type ClientBase, type CustomTypesConfig, type QueryResultRow, types } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';

/** Hand-written SQL of a hot path. PostgreSQL parses and plans a named statement once per connection. */
export interface PreparedQuery {
  /** undefined for a statement that is planned each time. */
  readonly name: string | undefined;
  readonly text: string;
}

/** Statements that one connection keeps at most: each costs the server some 50 kB. */
const MAX_STATEMENTS = 64;

/** The parts of a pg client that know its prepared statements; not in its types. */
interface Preparing {
  connection: { parsedStatements: Record<string, string> };
}

/** The names of each connection's statements, the least recently used first. */
const statementsOf = new WeakMap<ClientBase, Set<string>>();

/**
 * A query whose text depends on which filters a client uses. It stays prepared, because planning a list takes longer than
 * running it. Values must be parameters, so that there are few texts.
 */
export function prepared(text: string): PreparedQuery {
  return { name: createHash('sha1').update(text).digest('hex'), text };
}

/** Times stay text: a page of a list has dozens, and making Dates of them and text again takes a quarter of its time. */
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
    if (query.name) await makeRoomFor(query.name, client);
    const { rows } = await client.query<Row>({ ...query, values, types: timesAsText });
    return rows;
  } finally {
    if (!manager.queryRunner) await runner.release();
  }
}

/** Drops the statement that this connection has not used for longest when it has {@link MAX_STATEMENTS}. */
async function makeRoomFor(name: string, client: ClientBase): Promise<void> {
  const known = statementsOf.get(client) ?? new Set();
  statementsOf.set(client, known);
  if (!known.delete(name) && known.size >= MAX_STATEMENTS) {
    const [oldest] = known as Set<string> & [string];
    known.delete(oldest);
    const { parsedStatements } = (client as unknown as Preparing).connection;
    // One that failed to parse is not there.
    if (parsedStatements[oldest]) await client.query(`DEALLOCATE "${oldest}"`);
    delete parsedStatements[oldest];
  }
  known.add(name);
}

/** A `timestamptz(3)` as PostgreSQL writes it in UTC, by itself or in JSON, as ISO 8601 with milliseconds. */
export function iso(text: string): string {
  const fraction = text.slice(19, text.indexOf('+'));
  return `${text.slice(0, 10)}T${text.slice(11, 19)}${(fraction || '.').padEnd(4, '0')}Z`;
}
