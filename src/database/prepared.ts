import type { ClientBase, QueryResultRow } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';

/** Hand-written SQL of a hot path. PostgreSQL parses and plans a named statement once per connection. */
export interface PreparedQuery {
  readonly name: string;
  readonly text: string;
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
    const { rows } = await client.query<Row>({ name: query.name, text: query.text, values });
    return rows;
  } finally {
    if (!manager.queryRunner) await runner.release();
  }
}
