import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** A public event at its position in the log. Rows are never changed, and deleted from the oldest position on. */
@Entity('events')
@Unique('events_id', ['id'])
@Index('events_user', ['user_id', 'position'])
@Index('events_order', ['order_id', 'position'])
@Index('events_created', ['created_at', 'position'])
export class LoggedEvent {
  /** Dense, from 1, in the order of commits. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'events_pkey' })
  position!: number;
  /** The random id that the event has in the outbox, in webhooks and in mails. */
  @Column('uuid')
  id!: string;
  /** One of `PUBLIC_TOPICS`. */
  @Column('text')
  type!: string;
  @Column('bigint', { nullable: true })
  order_id!: number | null;
  @Column('text', { nullable: true })
  order_number!: string | null;
  /** The customer: the user who may see the event. */
  @Column('bigint', { nullable: true })
  user_id!: number | null;
  /** The order's version after the change, without gaps. */
  @Column('integer', { nullable: true })
  sequence!: number | null;
  /** The rest of the payload: `from_status`, `to_status`, `reason`. */
  @Column('jsonb')
  payload!: object;
  /** Who made the change: `{type, id}`. */
  @Column('jsonb', { nullable: true })
  actor!: object | null;
  /** When the change was made. */
  @Column({ type: 'timestamptz', precision: 3 })
  created_at!: Date;
}

/** The one row that counts positions. A relay locks it before it reads the outbox. */
@Entity('feed_position')
@Check('feed_position_one', 'one')
@Check('feed_position_purged', '0 <= purged AND purged <= last')
export class FeedPosition {
  @PrimaryColumn('boolean', { primaryKeyConstraintName: 'feed_position_pkey', default: true })
  one!: boolean;
  /** The position of the latest event; 0 before the first. */
  @Column('bigint', { default: 0 })
  last!: number;
  /** The position up to which events have been deleted. */
  @Column('bigint', { default: 0 })
  purged!: number;
}
