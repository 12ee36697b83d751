import {
  Check,
  Column,
  Entity,
  Generated,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import { User } from '../users/user.entity';
import type { OrderStatus } from './order-status';

/** An order. Its totals are stored; its status changes only through `OrderLifecycle`. */
@Entity('orders')
@Unique('orders_number', ['number'])
// Those of the lists carry sums along (INCLUDE), which decorators cannot say: see the migration.
@Index('orders_by_user', { synchronize: false })
@Index('orders_by_status', { synchronize: false })
@Index('orders_by_time', { synchronize: false })
@Index('orders_by_total', { synchronize: false })
@Index('orders_leased', ['lease_until'], { where: 'lease_until IS NOT NULL' })
@Check('orders_status', `status IN ('pending', 'paid', 'processing', 'completed', 'failed', 'cancelled')`)
@Check('orders_totals', 'total_quantity > 0 AND total_amount_cents >= 0')
@Check('orders_simulate_outcome', `simulate_outcome IN ('success', 'failure')`)
@Check('orders_attempts', 'attempts_before_requeue BETWEEN 0 AND attempt')
@Check('orders_lease', `lease_until IS NULL OR status = 'processing'`)
@Check('orders_completed', `(completed_at IS NOT NULL) = (status = 'completed')`)
export class Order {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'orders_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  /** The number for people, such as `ORD-7K3M9Q2X`. */
  @Column({ type: 'text', collation: 'C' })
  number!: string;
  @Column('bigint')
  user_id!: number;
  @ManyToOne(() => User)
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'orders_user' })
  user!: User;
  @Column('text', { default: 'pending' })
  status!: OrderStatus;
  @Column('text')
  currency!: string;
  @Column('integer')
  total_quantity!: number;
  @Column('bigint')
  total_amount_cents!: number;
  @Column('text', { nullable: true })
  address!: string | null;
  @Column('text', { nullable: true })
  note!: string | null;
  @Column('jsonb', { default: {} })
  metadata!: Record<string, unknown>;
  @Column('text', { nullable: true })
  simulate_outcome!: 'success' | 'failure' | null;
  /** The key of this order at the gateway, the same for all attempts: random, because ids repeat after a restore. */
  @Column('uuid')
  @Generated('uuid')
  fulfillment_key!: string;
  /** Raised by every change; the ETag. */
  @Column('integer', { default: 1 })
  version!: number;
  /** Raised each time processing takes the order, never lowered: a worker settles only the attempt that it started. */
  @Column('integer', { default: 0 })
  attempt!: number;
  /** `attempt` when an admin last requeued the order: what lies above it counts towards the maximum. */
  @Column('integer', { default: 0 })
  attempts_before_requeue!: number;
  /** While a worker has the order: when another one may take it over. */
  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  lease_until!: Date | null;
  @Column('text', { nullable: true })
  failure_reason!: string | null;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  updated_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  processing_started_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  completed_at!: Date | null;
}
