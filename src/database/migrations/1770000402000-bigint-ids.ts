import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Columns that hold an id, by table. At 1,000 orders a second an integer runs out in 25 days, that of the items in 12. */
const IDS = {
  users: ['id'],
  products: ['id'],
  orders: ['id', 'user_id'],
  order_items: ['id', 'order_id', 'product_id'],
  order_history: ['order_id', 'actor_id'],
  stock_movements: ['product_id', 'order_id', 'actor_id'],
  sessions: ['id', 'user_id'],
  password_resets: ['user_id'],
  api_clients: ['id'],
};

/** One statement a table, so that each is rewritten once. The sequence of an identity column changes with it. */
const alterTo = (type: string) =>
  Object.entries(IDS).map(([table, columns]) => {
    const changes = columns.map((column) => `ALTER COLUMN ${column} TYPE ${type}`);
    return `ALTER TABLE ${table} ${changes.join(', ')}`;
  });

/** Ids are bigint. Rewrites these tables: on a large database, plan for a pause. */
export class BigintIds1770000402000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of alterTo('bigint')) await runner.query(statement);
  }

  /** Fails when an id has outgrown integer. */
  async down(runner: QueryRunner): Promise<void> {
    for (const statement of alterTo('integer')) await runner.query(statement);
  }
}
