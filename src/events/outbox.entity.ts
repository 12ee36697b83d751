import { Column, Entity, Generated, PrimaryGeneratedColumn } from 'typeorm';

/** An event, written in the transaction of the change that it tells about, until the relay has given it to its consumers. */
@Entity('outbox')
export class OutboxEvent {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'outbox_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  /** The id of the event for everybody else: random, so that nothing repeats after a restore. */
  @Column('uuid')
  @Generated('uuid')
  event_id!: string;
  /** One of the topics in `event-types.ts`. */
  @Column('text')
  topic!: string;
  /** The noun that changed, such as `order`. */
  @Column('text')
  aggregate_type!: string;
  @Column('bigint')
  aggregate_id!: number;
  /** The aggregate's version after the change, without gaps; null where it has none. */
  @Column('integer', { nullable: true })
  sequence!: number | null;
  @Column('jsonb')
  payload!: object;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  occurred_at!: Date;
}
