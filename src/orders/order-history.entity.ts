import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Order } from './order.entity';
import type { OrderStatus } from './order-status';

/** One change of an order's status, the placing included (`from_status` null). `version` is the order's after it. */
@Entity('order_history')
@Check('order_history_actor', `actor_type IN ('user', 'client', 'system')`)
export class OrderHistory {
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'order_history_pkey' })
  order_id!: number;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'order_history_pkey' })
  version!: number;
  @ManyToOne(() => Order)
  @JoinColumn({ name: 'order_id', foreignKeyConstraintName: 'order_history_order' })
  order?: Order;
  @Column('text', { nullable: true })
  from_status!: OrderStatus | null;
  @Column('text')
  to_status!: OrderStatus;
  @Column('integer')
  attempt!: number;
  @Column('text')
  actor_type!: 'user' | 'client' | 'system';
  @Column('bigint', { nullable: true })
  actor_id!: number | null;
  /** The actor's name at the time. */
  @Column('text')
  actor_name!: string;
  @Column('text', { nullable: true })
  reason!: string | null;
  @Column('text', { nullable: true })
  request_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
}
