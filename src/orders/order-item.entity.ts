import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { Product } from '../products/product.entity';
import { Order } from './order.entity';

/** A line of an order: name, SKU and price as they were at purchase. `product_id` is null for a custom-priced line. */
@Entity('order_items')
@Index('order_items_by_product', ['product_id', 'order_id'])
@Check(
  'order_items_amounts',
  'quantity > 0 AND price_cents_at_purchase >= 0 AND line_total_cents = quantity * price_cents_at_purchase',
)
@Check('order_items_stock', 'product_id IS NOT NULL OR NOT stock_reserved')
export class OrderItem {
  /** First in the key, so that the items of an order lie together and one index serves both. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'order_items_pkey' })
  order_id!: number;
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'order_items_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @ManyToOne(() => Order)
  @JoinColumn({ name: 'order_id', foreignKeyConstraintName: 'order_items_order' })
  order?: Order;
  @Column('bigint', { nullable: true })
  product_id!: number | null;
  @ManyToOne(() => Product)
  @JoinColumn({ name: 'product_id', foreignKeyConstraintName: 'order_items_product' })
  product?: Product | null;
  @Column('text', { nullable: true })
  sku!: string | null;
  @Column('text')
  product_name!: string;
  @Column('integer')
  quantity!: number;
  @Column('bigint')
  price_cents_at_purchase!: number;
  @Column('bigint')
  line_total_cents!: number;
  /** Whether placing the order reserved stock for this line: what is released or shipped at the end. */
  @Column('boolean')
  stock_reserved!: boolean;
}
