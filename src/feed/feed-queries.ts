import type { EntityManager } from 'typeorm';
import { prepared, runPrepared } from '../database/prepared-statement';

/** A row of the event log; `created_at` is text as PostgreSQL writes it. */
export interface EventRow {
  position: number;
  id: string;
  type: string;
  order_id: number | null;
  order_number: string | null;
  user_id: number | null;
  sequence: number | null;
  payload: { from_status?: string | null; to_status?: string | null; reason?: string | null };
  actor: { type: string; id: number | null } | null;
  created_at: string;
}

const COLUMNS = 'position, id, type, order_id, order_number, user_id, sequence, payload, actor, created_at';

/** What a page of the log is narrowed to. */
export interface EventFilter {
  types?: readonly string[] | undefined;
  orderId?: number | undefined;
  /** The customers whose events are wanted: all that are given must be the customer. */
  userIds: readonly number[];
  createdFrom?: string | undefined;
  createdTo?: string | undefined;
}

/** A part of the log as it was at one moment. */
export interface EventPage extends LogState {
  rows: EventRow[];
  /** Up to this position the log was searched. */
  scanned: number;
  /** Whether there may be more after `scanned`. */
  hasMore: boolean;
}

/** Rows that one query reads at most when a filter has no index: a rare type must not make a request read the whole log. */
const MAX_SCANNED_ROWS = 5_000;

/**
 * Positions are in the order of commits, times are those at which transactions began: they agree but for the length of a
 * transaction. So a time is looked up with a margin, among this many of the oldest events within it.
 */
const SEEK_MARGIN = `interval '1 minute'`;
const SEEK_ROWS = 1_000;

type Row = { [Column in keyof EventRow]: EventRow[Column] | null } & {
  last: number;
  purged: number;
  bound: number | null;
};

/** The next `limit` events after a position that match, with the state of the log, in one snapshot. */
export async function readEvents(
  manager: EntityManager,
  after: number,
  filter: EventFilter,
  limit: number,
): Promise<EventPage> {
  const { text, values } = statementFor(after, filter, limit);
  const rows = await runPrepared<Row>(manager, prepared(text), values);
  const { last: latest, purged, bound } = rows[0] as Row;
  const found = rows.filter((row): row is Row & EventRow => row.position !== null);
  const page = found.slice(0, limit);
  if (found.length > limit)
    return { rows: page, scanned: (page.at(-1) as EventRow).position, hasMore: true, latest, purged };
  return { rows: page, scanned: bound ?? Math.max(after, latest), hasMore: bound !== null, latest, purged };
}

function statementFor(after: number, filter: EventFilter, limit: number): { text: string; values: unknown[] } {
  const values: unknown[] = [after];
  const value = (given: unknown) => `$${values.push(given)}`;
  const { types, orderId, userIds, createdFrom, createdTo } = filter;

  const indexed = ['position > greatest($1::bigint, purged)'];
  if (orderId !== undefined) indexed.push(`order_id = ${value(orderId)}`);
  for (const id of userIds) indexed.push(`user_id = ${value(id)}`);
  const others: string[] = [];
  if (types) others.push(`type = ANY(${value(types)})`);
  if (createdFrom !== undefined) {
    const from = `${value(createdFrom)}::timestamptz`;
    others.push(`created_at >= ${from}`);
    indexed.push(`position >= (SELECT min(position) FROM (SELECT position FROM events WHERE created_at >= ${from} - ${SEEK_MARGIN}
      ORDER BY created_at, position LIMIT ${SEEK_ROWS}) AS first)`);
  }
  if (createdTo !== undefined) {
    const to = `${value(createdTo)}::timestamptz`;
    others.push(`created_at < ${to}`);
    indexed.push(`position <= (SELECT max(position) FROM (SELECT position FROM events WHERE created_at < ${to} + ${SEEK_MARGIN}
      ORDER BY created_at DESC, position DESC LIMIT ${SEEK_ROWS}) AS last)`);
  }
  const where = indexed.join(' AND ');
  const bounded = others.length > 0;
  const text = `
    SELECT last, purged, ${bounded ? 'bound' : 'NULL::bigint AS bound'}, event.*
    FROM feed_position
    ${bounded ? `LEFT JOIN LATERAL (SELECT position AS bound FROM events WHERE ${where} ORDER BY position OFFSET ${MAX_SCANNED_ROWS - 1} LIMIT 1) AS cut ON true` : ''}
    LEFT JOIN LATERAL (
      SELECT ${COLUMNS} FROM events WHERE ${[...indexed, ...(bounded ? ['position <= coalesce(bound, last)'] : []), ...others].join(' AND ')}
      ORDER BY position LIMIT ${value(limit + 1)}
    ) AS event ON true
    ORDER BY position`;
  return { text, values };
}

const TAIL = prepared(`SELECT ${COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2`);

/** All events after a position, at most `limit`. */
export const readTail = (manager: EntityManager, after: number, limit: number): Promise<EventRow[]> =>
  runPrepared<EventRow & Record<string, unknown>>(manager, TAIL, [after, limit]);

/** The ends of the log: the latest position, and the position up to which events have been deleted. */
export interface LogState {
  latest: number;
  purged: number;
}

const LOG_STATE = prepared('SELECT last AS latest, purged FROM feed_position');

/** The ends of the log. */
export async function readLogState(manager: EntityManager): Promise<LogState> {
  const [state] = await runPrepared<LogState & Record<string, unknown>>(manager, LOG_STATE, []);
  return state as LogState;
}

const BY_ID = prepared(`SELECT ${COLUMNS} FROM events WHERE id = $1`);

/** One event by its id. */
export async function findEvent(manager: EntityManager, id: string): Promise<EventRow | undefined> {
  const [row] = await runPrepared<EventRow & Record<string, unknown>>(manager, BY_ID, [id]);
  return row;
}
