import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The key of an order at the gateway: random, because ids repeat when a database is restored. */
export class FulfillmentKey1770000400100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD fulfillment_key uuid NOT NULL DEFAULT gen_random_uuid()');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders DROP fulfillment_key');
  }
}
