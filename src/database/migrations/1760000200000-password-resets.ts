import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tokens that reset a forgotten password. */
export class PasswordResets1760000200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE password_resets (
        token_hash bytea CONSTRAINT password_resets_pkey PRIMARY KEY,
        user_id integer,
        email text,
        token_version integer,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT password_resets_user FOREIGN KEY (user_id) REFERENCES users (id)
      );
      CREATE INDEX password_resets_by_expiry ON password_resets (expires_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE password_resets');
  }
}
