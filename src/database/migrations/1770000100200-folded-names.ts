import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Case is folded as ASCII, whatever the collation of the database: with a Turkish one, `I` and `i` were two letters. */
export class FoldedNames1770000100200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX users_email, users_username;
      CREATE UNIQUE INDEX users_email ON users (lower(email COLLATE "C"));
      CREATE UNIQUE INDEX users_username ON users (lower(username COLLATE "C"));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX users_email, users_username;
      CREATE UNIQUE INDEX users_email ON users (lower(email));
      CREATE UNIQUE INDEX users_username ON users (lower(username));
    `);
  }
}
