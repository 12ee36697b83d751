import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Credential } from '../access/access.decorators';
import { isStaff, type Principal } from '../access/principal';
import { DomainError, notFound, validationFailed } from '../errors/domain-error';
import { MAX_ID, toInteger } from '../http/dto/fields';
import {
  type EventListResponse,
  type EventResponse,
  type EventStreamQuery,
  type EventsQuery,
  mayRead,
  toEventResponse,
} from './event.dto';
import type { EventStream } from './event-stream';
import { EventStreams } from './event-streams';
import { findEvent, type LogState, readEvents, readLogState } from './feed-queries';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a request for a stream brings besides its query. */
interface Subscription {
  principal: Principal;
  credential: Credential;
  /** The header `Last-Event-ID`. */
  lastEventId: string | undefined;
}

/** Reads the event log. A `user` sees the events of their own orders only. */
@Injectable()
export class FeedService {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly streams: EventStreams,
  ) {}

  /** One page of events, the oldest first. Errors: VALIDATION_FAILED, EVENTS_EXPIRED. */
  async list(query: EventsQuery, principal: Principal): Promise<EventListResponse> {
    const { after, type, order_id, user_id, created_from, created_to, limit } = query;
    const filter = {
      types: type,
      orderId: order_id,
      userIds: [...ownOnly(principal), ...(user_id === undefined ? [] : [user_id])],
      createdFrom: created_from,
      createdTo: created_to,
    };
    const page = await readEvents(this.manager, after, filter, limit);
    assertPosition('after', after, page);
    return {
      events: page.rows.map((row) => toEventResponse(row, principal)),
      next_after: page.scanned,
      has_more: page.hasMore,
      oldest_position: page.purged + 1,
      latest_position: page.latest,
    };
  }

  /** One event by its id. Errors: NOT_FOUND. */
  async get(id: string, principal: Principal): Promise<EventResponse> {
    const row = UUID.test(id) ? await findEvent(this.manager, id) : undefined;
    if (!row || !mayRead(principal, row)) throw notFound('Event');
    return toEventResponse(row, principal);
  }

  /**
   * A stream of events; `close` must be called when its connection has ended.
   * Errors: VALIDATION_FAILED, EVENTS_EXPIRED, TOO_MANY_STREAMS, UNAVAILABLE.
   */
  async stream(
    { after, type, order_id }: EventStreamQuery,
    { principal, credential, lastEventId }: Subscription,
  ): Promise<{ stream: EventStream; close: () => void }> {
    const asked = lastEventId === undefined ? after : parsePosition(lastEventId);
    const state = await readLogState(this.manager);
    if (asked !== undefined) assertPosition(lastEventId === undefined ? 'after' : 'Last-Event-ID', asked, state);
    const filter = { types: type, orderId: order_id, userIds: ownOnly(principal) };
    const start = asked === undefined ? state.latest : Math.max(asked, state.purged);
    return this.streams.start({ reader: principal, credential, filter, after: start });
  }
}

/** The customers whose events the principal is limited to. A principal that is no user and no staff sees none. */
const ownOnly = (principal: Principal): number[] =>
  isStaff(principal) ? [] : [principal.type === 'user' ? (principal.id as number) : 0];

function parsePosition(text: string): number {
  const position = toInteger(text);
  if (typeof position === 'number' && position >= 0 && position <= MAX_ID) return position;
  throw validationFailed([{ field: 'Last-Event-ID', message: `must be a whole number from 0 to ${MAX_ID}` }]);
}

/** Position 0 is the oldest event that is kept, whichever that is. */
function assertPosition(field: string, position: number, { latest, purged }: LogState): void {
  if (position > latest) {
    throw validationFailed([{ field, message: `must not be beyond the latest position (${latest})` }]);
  }
  if (position > 0 && position < purged) {
    throw new DomainError(
      'EVENTS_EXPIRED',
      'Events after this position have been deleted. Read the orders again, then go on from oldest_position - 1.',
      { oldest_position: purged + 1 },
    );
  }
}
