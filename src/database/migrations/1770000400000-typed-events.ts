import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Mails that an earlier version has queued; the queue makes its tables itself, maybe later than this runs. */
const onQueuedMails = (statement: string) => `
  DO $$ BEGIN
    IF to_regclass('pgboss.job') IS NOT NULL THEN ${statement}; END IF;
  END $$;`;

/** Events have a random id, name the aggregate that changed, and say when it did. */
export class TypedEvents1770000400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE outbox ADD event_id uuid NOT NULL DEFAULT gen_random_uuid();
      ALTER TABLE outbox ADD aggregate_type text;
      ALTER TABLE outbox ADD aggregate_id bigint;
      ALTER TABLE outbox ADD occurred_at timestamptz(3) NOT NULL DEFAULT now();
      UPDATE outbox SET aggregate_type = split_part(topic, '.', 1),
        aggregate_id = coalesce(order_id, (payload ->> 'user_id')::bigint), payload = payload - 'user_id', occurred_at = created_at;
      DELETE FROM outbox WHERE aggregate_id IS NULL;
      ALTER TABLE outbox ALTER aggregate_type SET NOT NULL;
      ALTER TABLE outbox ALTER aggregate_id SET NOT NULL;
      ALTER TABLE outbox DROP order_id, DROP created_at;
      ${onQueuedMails(`
        UPDATE pgboss.job SET data = jsonb_build_object(
          'event_id', data ->> 'id', 'topic', data ->> 'topic',
          'aggregate_type', split_part(data ->> 'topic', '.', 1),
          'aggregate_id', coalesce(data -> 'order_id', data #> '{payload,user_id}'),
          'sequence', CASE WHEN data ->> 'order_id' IS NOT NULL THEN split_part(data ->> 'id', '-', 3)::int END,
          'payload', (data -> 'payload') - 'user_id', 'occurred_at', created_on)
        WHERE name IN ('mail', 'mail.dead') AND data ? 'order_id'`)}
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE outbox ADD order_id integer;
      ALTER TABLE outbox ADD created_at timestamptz(3) NOT NULL DEFAULT now();
      UPDATE outbox SET order_id = CASE aggregate_type WHEN 'order' THEN aggregate_id END,
        payload = CASE aggregate_type WHEN 'user' THEN payload || jsonb_build_object('user_id', aggregate_id) ELSE payload END, created_at = occurred_at;
      ALTER TABLE outbox DROP event_id, DROP aggregate_type, DROP aggregate_id, DROP occurred_at;
      ${onQueuedMails(`
        UPDATE pgboss.job SET data = jsonb_build_object(
          'id', data ->> 'event_id', 'topic', data ->> 'topic',
          'order_id', CASE data ->> 'aggregate_type' WHEN 'order' THEN data -> 'aggregate_id' END,
          'payload', (data -> 'payload')
            || CASE data ->> 'aggregate_type' WHEN 'user' THEN jsonb_build_object('user_id', data -> 'aggregate_id') ELSE '{}' END)
        WHERE name IN ('mail', 'mail.dead') AND data ? 'event_id'`)}
    `);
  }
}
