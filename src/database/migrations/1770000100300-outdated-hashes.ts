import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds the slowest hash that an earlier system has left, and the resets of a user, without reading whole tables. */
export class OutdatedHashes1770000100300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX users_outdated_hashes ON users (substr(password_hash, 5, 2)) WHERE password_hash LIKE '$2%';
      CREATE INDEX password_resets_by_user ON password_resets (user_id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX users_outdated_hashes, password_resets_by_user');
  }
}
