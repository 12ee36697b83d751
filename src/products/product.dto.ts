import { ApiProperty } from '@nestjs/swagger';
import { exponentOf } from '../config/currencies';
import { BooleanField, IntegerField, TextField } from '../http/dto/fields';
import { Page, PageQuery } from '../http/dto/pagination';
import type { Product } from './product.entity';

const MAX_PRICE_CENTS = 10_000_000_000;
const MAX_STOCK = 1_000_000_000;

export class CreateProductRequest {
  @TextField({ description: 'Name.', max: 200, example: 'MacBook Pro 16"' })
  name!: string;
  @IntegerField({ description: 'Price in cents.', min: 0, max: MAX_PRICE_CENTS, example: 249999 })
  price_cents!: number;
  @TextField({ description: 'Stock keeping unit, unique.', max: 64, optional: true, nullable: true, example: 'MBP-16' })
  sku?: string | null;
  @TextField({ description: 'Free text.', max: 5000, min: 0, optional: true, nullable: true })
  description?: string | null;
  @IntegerField({
    description: 'Pieces on hand; null or left out: stock is not tracked.',
    min: 0,
    max: MAX_STOCK,
    optional: true,
    nullable: true,
    example: 25,
  })
  stock?: number | null;
}

export class UpdateProductRequest {
  @TextField({ description: 'Name.', max: 200, optional: true, example: 'Updated Product Name' })
  name?: string;
  @IntegerField({
    description: 'Price in cents. Orders that were placed keep theirs.',
    min: 0,
    max: MAX_PRICE_CENTS,
    optional: true,
    example: 2499,
  })
  price_cents?: number;
  @TextField({ description: 'Stock keeping unit, unique.', max: 64, optional: true, nullable: true })
  sku?: string | null;
  @TextField({ description: 'Free text.', max: 5000, min: 0, optional: true, nullable: true })
  description?: string | null;
  @BooleanField({ description: 'Whether it can be ordered.', optional: true })
  active?: boolean;
}

export class AdjustStockRequest {
  @IntegerField({
    description: 'Pieces to add, or to take away when negative. Starts tracking when stock was not tracked.',
    min: -MAX_STOCK,
    max: MAX_STOCK,
    example: 10,
  })
  delta!: number;
  @TextField({ description: 'Why; kept in the ledger.', max: 500, example: 'delivery of 10' })
  reason!: string;
}

export class ProductsQuery extends PageQuery {
  @TextField({ description: 'Part of the name or SKU, without regard to case.', max: 100, optional: true })
  q?: string;
  @BooleanField({ description: 'Only those that can, or cannot, be ordered.', optional: true, fromText: true })
  active?: boolean;
}

export class StockResponse {
  @ApiProperty({ type: 'integer', description: 'Pieces in the warehouse.', example: 25 })
  on_hand!: number;
  @ApiProperty({ type: 'integer', description: 'Pieces promised to orders that are not shipped.', example: 2 })
  reserved!: number;
  @ApiProperty({ type: 'integer', description: 'on_hand - reserved.', example: 23 })
  available!: number;
}

export class ProductResponse {
  @ApiProperty({ type: 'integer', example: 1 })
  id!: number;
  @ApiProperty({ type: 'string', nullable: true, example: 'MBP-16' })
  sku!: string | null;
  @ApiProperty({ example: 'MacBook Pro 16"' })
  name!: string;
  @ApiProperty({ type: 'string', nullable: true })
  description!: string | null;
  @ApiProperty({ type: 'integer', example: 249999 })
  price_cents!: number;
  @ApiProperty({ example: 'USD' })
  currency!: string;
  @ApiProperty({
    type: 'integer',
    description: 'Digits of the amounts after the decimal point, as ISO 4217 has it: 2 for USD, 0 for JPY.',
    example: 2,
  })
  currency_exponent!: number;
  @ApiProperty({ type: StockResponse, nullable: true, description: 'null: stock is not tracked.' })
  stock!: StockResponse | null;
  @ApiProperty()
  active!: boolean;
  @ApiProperty({ type: 'integer', example: 1 })
  version!: number;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;
}

export class ProductListResponse extends Page {
  @ApiProperty({ type: [ProductResponse] })
  products!: ProductResponse[];
}

export function toProductResponse(product: Product, currency: string): ProductResponse {
  const { on_hand, reserved } = product;
  return {
    id: product.id,
    sku: product.sku,
    name: product.name,
    description: product.description,
    price_cents: product.price_cents,
    currency,
    currency_exponent: exponentOf(currency),
    stock: on_hand === null || reserved === null ? null : { on_hand, reserved, available: on_hand - reserved },
    active: product.active,
    version: product.version,
    created_at: product.created_at.toISOString(),
    updated_at: product.updated_at.toISOString(),
  };
}
