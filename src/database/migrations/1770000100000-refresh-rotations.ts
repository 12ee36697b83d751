import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A session keeps the times of its last rotations, not only of the latest: each token has a grace of its own. */
export class RefreshRotations1770000100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sessions ADD rotations timestamptz[] NOT NULL DEFAULT '{}';
      UPDATE sessions SET rotations = ARRAY[rotated_at] WHERE rotated_at IS NOT NULL;
      ALTER TABLE sessions DROP previous_hash, DROP rotated_at;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sessions ADD previous_hash bytea, ADD rotated_at timestamptz(3);
      ALTER TABLE sessions DROP rotations;
    `);
  }
}
