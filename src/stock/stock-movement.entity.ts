import { Check, Column, Entity, ForeignKey, PrimaryColumn, PrimaryGeneratedColumn, Unique } from 'typeorm';

/**
 * One line of the append-only stock ledger: the deltas of a product add up to its two counters. `cycle` tells the
 * reservations of an order apart when it was requeued after a failure; within a cycle each kind happens once.
 */
@Entity('stock_movements')
@Unique('stock_movements_once', ['order_id', 'product_id', 'cycle', 'kind'])
@Check(
  'stock_movements_kind',
  `CASE kind
     WHEN 'adjust' THEN reserved_delta = 0 AND order_id IS NULL
     WHEN 'reserve' THEN on_hand_delta = 0 AND reserved_delta > 0 AND order_id IS NOT NULL
     WHEN 'release' THEN on_hand_delta = 0 AND reserved_delta < 0 AND order_id IS NOT NULL
     WHEN 'ship' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta AND order_id IS NOT NULL
     ELSE false END`,
)
export class StockMovement {
  // By name, like that of the order below: stock knows neither products nor orders, both know stock.
  @ForeignKey('Product', { name: 'stock_movements_product' })
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'stock_movements_pkey' })
  product_id!: number;
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'stock_movements_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @Column('text')
  kind!: 'adjust' | 'reserve' | 'release' | 'ship';
  @Column('integer')
  on_hand_delta!: number;
  @Column('integer')
  reserved_delta!: number;
  @ForeignKey('Order', { name: 'stock_movements_order' })
  @Column('bigint', { nullable: true })
  order_id!: number | null;
  @Column('integer', { nullable: true })
  cycle!: number | null;
  @Column('text', { nullable: true })
  reason!: string | null;
  @Column('text')
  actor_type!: string;
  @Column('bigint', { nullable: true })
  actor_id!: number | null;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
}
