import type { SelectQueryBuilder } from 'typeorm';
import { validationFailed } from '../../errors/domain-error';
import { IntegerField, TextField } from './fields';
import { BooleanProperty, IntegerProperty, TextProperty } from './response-fields';

/** `limit` with either `offset` or `cursor`, on every list. */
export class PageQuery {
  @IntegerField({ description: 'How many to return.', min: 1, max: 100, optional: true, fromText: true, example: 20 })
  limit = 20;

  @IntegerField({
    description: 'How many to skip. For more than 10,000 use `cursor`.',
    min: 0,
    max: 10_000,
    optional: true,
    fromText: true,
  })
  offset?: number;

  @TextField({
    description: 'The `next_cursor` of the page before, instead of `offset`. Pages stay stable while rows are added.',
    max: 500,
    optional: true,
  })
  cursor?: string;
}

/** The part of a list answer that is about the page. */
export class Page {
  @IntegerProperty('How many were asked for at most.', 20)
  limit!: number;
  @IntegerProperty('How many were skipped.', 0)
  offset!: number;
  @BooleanProperty('Whether there are more after this page.', false)
  has_more!: boolean;
  @TextProperty('Send it as `cursor` for the next page; null on the last one.', null, { nullable: true })
  next_cursor!: string | null;
}

/** Where the last row of a page stands in the sort order: the sort key's value, then the id that breaks ties. */
export interface Position {
  sort: string;
  key: string | number;
  id: number;
}

/** An opaque cursor for the page that follows `position`. */
const encodeCursor = (position: Position): string =>
  Buffer.from(JSON.stringify([position.sort, position.key, position.id])).toString('base64url');

const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

/** What the values of a sort key look like in a cursor. Anything else would be an error of the database. */
const CURSOR_KEYS = {
  id: isId,
  amount: Number.isSafeInteger,
  // PostgreSQL has no year 0.
  time: (value: unknown) =>
    typeof value === 'string' && /^(?!0000)\d{4}-/.test(value) && new Date(value).toISOString() === value,
} as const;

/** Reads a cursor back; refuses (400) what was not made by {@link encodeCursor} for this sort order. */
export function decodeCursor(cursor: string, sort: string, kind: keyof typeof CURSOR_KEYS = 'id'): Position {
  try {
    const [cursorSort, key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (cursorSort === sort && CURSOR_KEYS[kind](key) && isId(id)) return { sort, key, id };
  } catch {
    // Falls through to the same refusal: a cursor is opaque, so there is nothing more to say about it.
  }
  throw validationFailed([{ field: 'cursor', message: 'is not a cursor of this list and sort order' }]);
}

/** Refuses a page asked for by both `offset` and `cursor`. */
export function assertOnePagingMode({ offset, cursor }: PageQuery): void {
  if (cursor !== undefined && offset !== undefined) {
    throw validationFailed([{ field: 'cursor', message: 'cannot be combined with offset' }]);
  }
}

/**
 * Removes the one extra row that was read, and sets `has_more` by it.
 * `rows` holds up to `limit + 1` rows in order; `position` tells where a row stands.
 */
export function page<Row>(
  query: PageQuery,
  rows: Row[],
  position: (row: Row) => Position,
): { rows: Row[]; page: Page } {
  const has_more = rows.length > query.limit;
  const shown = has_more ? rows.slice(0, query.limit) : rows;
  const last = shown.at(-1);
  return {
    rows: shown,
    page: {
      limit: query.limit,
      offset: query.offset ?? 0,
      has_more,
      next_cursor: has_more && last ? encodeCursor(position(last)) : null,
    },
  };
}

/** One page of what `found` selects, by id. Errors: VALIDATION_FAILED. */
export async function pageById<Row extends { id: number }>(
  query: PageQuery,
  found: SelectQueryBuilder<Row>,
): Promise<{ rows: Row[]; page: Page }> {
  assertOnePagingMode(query);
  const after = query.cursor === undefined ? 0 : decodeCursor(query.cursor, 'id').id;
  const rows = await found
    .andWhere(`${found.alias}.id > :after`, { after })
    .orderBy(`${found.alias}.id`)
    .limit(query.limit + 1)
    .offset(query.offset)
    .getMany();
  return page(query, rows, ({ id }) => ({ sort: 'id', key: id, id }));
}
