import type { MigrationInterface, QueryRunner } from 'typeorm';

/** E-mail addresses are proved by a link. Users that exist now count as proved. */
export class ProvedAddresses1770000100100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users ADD email_confirmed_at timestamptz(3), ADD pending_email text, ADD kept_session bigint;
      UPDATE users SET email_confirmed_at = now();
      CREATE TABLE email_confirmations (
        token_hash bytea CONSTRAINT email_confirmations_pkey PRIMARY KEY,
        user_id bigint NOT NULL,
        email text NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT email_confirmations_user FOREIGN KEY (user_id) REFERENCES users (id)
      );
      CREATE INDEX email_confirmations_by_expiry ON email_confirmations (expires_at);
      CREATE INDEX email_confirmations_by_user ON email_confirmations (user_id);
      CREATE TABLE unproved_mails (
        event_id uuid CONSTRAINT unproved_mails_pkey PRIMARY KEY,
        address text NOT NULL,
        left_out boolean NOT NULL,
        created_at timestamptz(3) NOT NULL DEFAULT now()
      );
      CREATE INDEX unproved_mails_by_address ON unproved_mails (address, created_at);
      CREATE INDEX unproved_mails_by_time ON unproved_mails (created_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE unproved_mails;
      DROP TABLE email_confirmations;
      ALTER TABLE users DROP email_confirmed_at, DROP pending_email, DROP kept_session;
    `);
  }
}
