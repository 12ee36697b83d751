import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** What must happen because of a change, written in the transaction of that change; a relay turns rows into jobs. */
@Entity('outbox')
export class OutboxEvent {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'outbox_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  /** Such as `order.placed`. */
  @Column('text')
  topic!: string;
  @Column('integer', { nullable: true })
  order_id!: number | null;
  /** The order's version after the change: without gaps per order. */
  @Column('integer', { nullable: true })
  sequence!: number | null;
  @Column('jsonb')
  payload!: Record<string, unknown>;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
}
