import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { OrderStatus } from './order-status';

/** What one change added to the orders of a status, or took from them. Their sum is what the whole table holds. */
@Entity('order_counters')
export class OrderCounter {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'order_counters_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @Column('text')
  status!: OrderStatus;
  @Column('bigint')
  orders!: number;
  @Column('bigint')
  total_quantity!: number;
  @Column('bigint')
  total_amount_cents!: number;
}
