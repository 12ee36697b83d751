import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An index for every filter of the lists of users and products: the few inactive among a million are found at once. */
export class FilterIndexes1770000404100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX users_by_role ON users (role, id);
      CREATE INDEX users_by_active ON users (active, id);
      CREATE INDEX products_by_active ON products (active, id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX products_by_active, users_by_active, users_by_role');
  }
}
