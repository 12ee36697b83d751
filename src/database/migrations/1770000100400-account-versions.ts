import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users and API clients have a version, for ETag and If-Match. */
export class AccountVersions1770000100400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users ADD version integer NOT NULL DEFAULT 1;
      ALTER TABLE api_clients ADD version integer NOT NULL DEFAULT 1;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE users DROP version; ALTER TABLE api_clients DROP version');
  }
}
