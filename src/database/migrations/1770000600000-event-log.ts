import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The event log, and the counter of its positions. */
export class EventLog1770000600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE events (
        position bigint CONSTRAINT events_pkey PRIMARY KEY,
        id uuid NOT NULL CONSTRAINT events_id UNIQUE,
        type text NOT NULL,
        order_id bigint,
        order_number text,
        user_id bigint,
        sequence integer,
        payload jsonb NOT NULL,
        actor jsonb,
        created_at timestamptz(3) NOT NULL
      );
      CREATE INDEX events_user ON events (user_id, position);
      CREATE INDEX events_order ON events (order_id, position);
      CREATE INDEX events_created ON events (created_at, position);

      CREATE TABLE feed_position (
        one boolean NOT NULL DEFAULT true CONSTRAINT feed_position_pkey PRIMARY KEY CONSTRAINT feed_position_one CHECK (one),
        last bigint NOT NULL DEFAULT '0',
        purged bigint NOT NULL DEFAULT '0',
        CONSTRAINT feed_position_purged CHECK (0 <= purged AND purged <= last)
      );
      INSERT INTO feed_position DEFAULT VALUES;

      -- Events that an earlier version has written and no relay has taken yet: they lack what the log keeps.
      UPDATE outbox SET payload = jsonb_build_object(
        'order_number', number, 'user_id', user_id, 'from_status', from_status, 'to_status', to_status, 'reason', reason,
        'actor', actor)
      FROM (
        SELECT e.id AS event, o.number, o.user_id, h.from_status, coalesce(h.to_status, o.status) AS to_status, h.reason,
          CASE WHEN h.order_id IS NOT NULL THEN jsonb_build_object('type', h.actor_type, 'id', h.actor_id) END AS actor
        FROM outbox e JOIN orders o ON o.id = e.aggregate_id
        LEFT JOIN order_history h ON h.order_id = o.id AND h.version = e.sequence
        WHERE e.aggregate_type = 'order' AND NOT e.payload ? 'order_number'
      ) AS known
      WHERE outbox.id = event;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE events; DROP TABLE feed_position;');
  }
}
