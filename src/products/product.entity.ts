import { Check, Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** Something that can be ordered. `on_hand` and `reserved` are both null when its stock is not tracked. */
@Entity('products')
@Unique('products_sku', ['sku'])
@Index('products_search', { synchronize: false })
@Index('products_by_active', ['active', 'id'])
@Check('products_price', 'price_cents BETWEEN 0 AND 10000000000')
@Check('products_stock', '(on_hand IS NULL) = (reserved IS NULL) AND reserved >= 0 AND reserved <= on_hand')
export class Product {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'products_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @Column('text', { nullable: true })
  sku!: string | null;
  @Column('text')
  name!: string;
  @Column('text', { nullable: true })
  description!: string | null;
  @Column('bigint')
  price_cents!: number;
  /** Pieces in the warehouse, those promised to orders included. */
  @Column('integer', { nullable: true })
  on_hand!: number | null;
  /** Pieces promised to orders that are not shipped yet. */
  @Column('integer', { nullable: true })
  reserved!: number | null;
  @Column('boolean', { default: true })
  active!: boolean;
  @Column('integer', { default: 1 })
  version!: number;
  /** What a search looks in: written by a trigger, read by `containsText` only. */
  @Column({ type: 'text', collation: 'C', default: '', select: false, insert: false, update: false })
  search_text!: string;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  updated_at!: Date;
}
