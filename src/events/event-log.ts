import type { EntityManager } from 'typeorm';
import { iso, type PreparedQuery, runPrepared } from '../database/prepared-statement';
import { type DomainEvent, PUBLIC_TOPICS } from './event-types';

/** Events that one transaction takes: enough to keep up with any number of writers, few enough to commit at once. */
export const BATCH_SIZE = 500;

/** Rows that one transaction of the purge deletes. */
const PURGE_STEP = 5_000;

/**
 * Only one relay works at a time: the one that holds this row. It is locked before the outbox is read, so that the next statement
 * sees every event that an earlier relay has left. If relays shared the rows with SKIP LOCKED instead, one could take the
 * first version of an order and another the second, and number the second one first. An empty outbox locks and writes nothing.
 */
const LOCK_COUNTER: PreparedQuery = {
  name: 'lock-feed-position',
  text: 'SELECT last FROM feed_position WHERE EXISTS (SELECT FROM outbox) FOR UPDATE SKIP LOCKED',
};

/**
 * Moves a batch out of the outbox and gives each public event the next position. `taken` is materialized, because a subquery
 * of the DELETE could run again and then take more than the limit.
 */
const TAKE_BATCH: PreparedQuery = {
  name: 'take-batch',
  text: `
    WITH taken AS MATERIALIZED (
      SELECT id FROM outbox ORDER BY id LIMIT $1
    ), moved AS (
      DELETE FROM outbox USING taken WHERE outbox.id = taken.id RETURNING outbox.*
    ), numbered AS (
      SELECT *, $2::bigint + row_number() OVER (ORDER BY id) AS position FROM moved
      WHERE topic = ANY($3) AND NOT EXISTS (SELECT FROM events WHERE events.id = moved.event_id)
    ), logged AS (
      INSERT INTO events (position, id, type, order_id, order_number, user_id, sequence, payload, actor, created_at)
      SELECT position, event_id, topic, CASE aggregate_type WHEN 'order' THEN aggregate_id END,
        payload ->> 'order_number', (payload ->> 'user_id')::bigint, sequence,
        payload - '{order_number,user_id,actor}'::text[], payload -> 'actor', occurred_at
      FROM numbered
    ), counted AS (
      UPDATE feed_position SET last = (SELECT max(position) FROM numbered) WHERE EXISTS (SELECT FROM numbered)
    )
    SELECT moved.event_id, moved.topic, moved.aggregate_type, moved.aggregate_id, moved.sequence, moved.payload,
      moved.occurred_at, position
    FROM moved LEFT JOIN numbered USING (id) ORDER BY id`,
};

/**
 * Takes the oldest events out of the outbox and writes the public ones into the log, in the transaction of `manager`, which
 * must be READ COMMITTED. Returns none when the outbox is empty or another relay is at work.
 */
export async function takeBatch(manager: EntityManager): Promise<DomainEvent[]> {
  const [counter] = await runPrepared<{ last: number }>(manager, LOCK_COUNTER, []);
  if (!counter) return [];
  const events = await runPrepared<DomainEvent>(manager, TAKE_BATCH, [BATCH_SIZE, counter.last, PUBLIC_TOPICS]);
  for (const event of events) event.occurred_at = iso(event.occurred_at);
  return events;
}

/**
 * Events leave the log from its old end only, so that what is left has no holes. `purged` changes in the same transaction: a
 * reader sees either an event or that it has been deleted.
 */
const PURGE = `
  WITH oldest AS MATERIALIZED (
    SELECT position, created_at FROM events ORDER BY position LIMIT ${PURGE_STEP}
  ), kept AS (
    SELECT coalesce(min(position) FILTER (WHERE created_at >= now() - $1 * interval '1 day'), max(position) + 1) AS first FROM oldest
  ), deleted AS (
    DELETE FROM events USING kept WHERE position < first RETURNING position
  )
  UPDATE feed_position SET purged = purged + (SELECT count(*) FROM deleted) WHERE EXISTS (SELECT FROM deleted)
  RETURNING purged`;

/** Deletes events that are older than `days`, in steps that commit one by one, until none is left or the process is stopping. */
export async function purgeEvents(manager: EntityManager, days: number, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const [, steps]: [unknown, number] = await manager.query(PURGE, [days]);
    if (steps === 0) return;
  }
}
