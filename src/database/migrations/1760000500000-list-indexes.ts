import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the indexes of the lists carry along, so that the totals of a filtered list need not read the orders themselves. */
const SUMMED = 'INCLUDE (total_quantity, total_amount_cents)';

/** An index for every filter and order of the list of orders. */
export class ListIndexes1760000500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX orders_by_user, orders_by_status, orders_by_time;
      CREATE INDEX orders_by_user ON orders (user_id, created_at, id) ${SUMMED};
      CREATE INDEX orders_by_status ON orders (status, created_at, id) ${SUMMED};
      CREATE INDEX orders_by_time ON orders (created_at, id) ${SUMMED};
      CREATE INDEX orders_by_total ON orders (total_amount_cents, id) INCLUDE (total_quantity);
      -- In the order of its bytes, the index of the number also finds its beginning.
      ALTER TABLE orders ALTER COLUMN number TYPE text COLLATE "C";
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE orders ALTER COLUMN number TYPE text COLLATE "default";
      DROP INDEX orders_by_total, orders_by_user, orders_by_status, orders_by_time;
      CREATE INDEX orders_by_user ON orders (user_id, created_at, id);
      CREATE INDEX orders_by_status ON orders (status, created_at, id);
      CREATE INDEX orders_by_time ON orders (created_at, id);
    `);
  }
}
