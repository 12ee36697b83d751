import { ApiProperty } from '@nestjs/swagger';
import { isStaff, type Principal } from '../access/principal';
import { iso } from '../database/prepared-statement';
import { PUBLIC_TOPICS } from '../events/event-types';
import { DateTimeField, EnumListField, IdField, IntegerField, MAX_ID } from '../http/dto/fields';
import type { EventRow } from './feed-queries';

const POSITION = { type: 'integer', example: 42 } as const;

class EventActor {
  @ApiProperty({
    enum: ['user', 'client', 'system'],
    description: 'Who made the change: a person, an API client, or the service itself.',
    example: 'user',
  })
  type!: string;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'The id of the user or API client; null for the service itself, and for anybody but yourself if you are a `user`.',
    example: 7,
  })
  id!: number | null;
}

/** An event as the feed shows it: what changed, not the order itself. */
export class EventResponse {
  @ApiProperty({ ...POSITION, description: 'Where it stands in the log. Positions have no gaps.' })
  position!: number;
  @ApiProperty({
    format: 'uuid',
    description: 'The same wherever this event is delivered, and of no other event.',
    example: '0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11',
  })
  id!: string;
  @ApiProperty({ enum: PUBLIC_TOPICS, enumName: 'EventType', description: 'What happened.', example: 'order.paid' })
  type!: string;
  @ApiProperty({ format: 'date-time', description: 'When the change was made.', example: '2026-01-31T12:00:00.000Z' })
  timestamp!: string;
  @ApiProperty({ type: 'integer', nullable: true, description: 'The order that changed.', example: 1 })
  order_id!: number | null;
  @ApiProperty({ type: 'string', nullable: true, description: 'Its number.', example: 'ORD-7K3M9Q2X' })
  order_number!: string | null;
  @ApiProperty({ type: 'integer', nullable: true, description: 'The customer.', example: 7 })
  user_id!: number | null;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: "The order's `version` after the change. Rises by one with each event of an order.",
    example: 2,
  })
  sequence!: number | null;
  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The status before; null for the placing.',
    example: 'pending',
  })
  from_status!: string | null;
  @ApiProperty({ type: 'string', nullable: true, description: 'The status after.', example: 'paid' })
  to_status!: string | null;
  @ApiProperty({ type: 'string', nullable: true, description: 'The reason that was given.', example: null })
  reason!: string | null;
  @ApiProperty({ type: EventActor, nullable: true, description: 'Who made the change; null when that is not known.' })
  actor!: EventActor | null;
}

export class EventListResponse {
  @ApiProperty({ type: [EventResponse], description: 'By position, the oldest first. May be empty while `has_more`.' })
  events!: EventResponse[];
  @ApiProperty({ ...POSITION, description: 'Send it as `after` for the next page.' })
  next_after!: number;
  @ApiProperty({ description: 'Whether there is more to read now.', example: false })
  has_more!: boolean;
  @ApiProperty({
    type: 'integer',
    description: 'The oldest position that is kept; the next one to come if the log is empty.',
    example: 1,
  })
  oldest_position!: number;
  @ApiProperty({ ...POSITION, description: 'The latest position of the log; 0 before the first event.' })
  latest_position!: number;
}

const after = { description: 'Only events after this position; 0: from the oldest that is kept.', example: 0 };

/** What both the list and the stream can be narrowed to. */
class EventFilterQuery {
  @EnumListField({ description: 'Only events of these types; may be repeated.', values: PUBLIC_TOPICS, optional: true })
  type?: string[];
  @IdField({ description: 'Only events of this order.', optional: true, fromText: true })
  order_id?: number;
}

export class EventsQuery extends EventFilterQuery {
  @IntegerField({ ...after, min: 0, max: MAX_ID, optional: true, fromText: true })
  after = 0;
  @IdField({ description: "Only events of this user's orders.", optional: true, fromText: true })
  user_id?: number;
  @DateTimeField({ description: 'Made at this time or later.', optional: true })
  created_from?: string;
  @DateTimeField({ description: 'Made before this time.', optional: true })
  created_to?: string;
  @IntegerField({ description: 'How many to return.', min: 1, max: 500, optional: true, fromText: true, example: 100 })
  limit = 100;
}

export class EventStreamQuery extends EventFilterQuery {
  @IntegerField({
    ...after,
    description: `${after.description} Left out: from now on. A \`Last-Event-ID\` goes before it.`,
    min: 0,
    max: MAX_ID,
    optional: true,
    fromText: true,
  })
  after?: number;
}

/** Who may see an event: staff, and the customer whose order it is about. */
export const mayRead = (reader: Principal, { user_id }: Pick<EventRow, 'user_id'>): boolean =>
  isStaff(reader) || (reader.type === 'user' && user_id === reader.id);

/** An event as `reader` may see it: a customer is not told the ids of staff. */
export function toEventResponse(row: EventRow, reader: Principal): EventResponse {
  const { payload, actor } = row;
  const known = actor && (isStaff(reader) || (actor.type === 'user' && actor.id === reader.id));
  return {
    position: row.position,
    id: row.id,
    type: row.type,
    timestamp: iso(row.created_at),
    order_id: row.order_id,
    order_number: row.order_number,
    user_id: row.user_id,
    sequence: row.sequence,
    from_status: payload.from_status ?? null,
    to_status: payload.to_status ?? null,
    reason: payload.reason ?? null,
    actor: actor && { type: actor.type, id: known ? actor.id : null },
  };
}
