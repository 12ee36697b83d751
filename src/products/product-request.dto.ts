import { BooleanField, IntegerField, TextField } from '../http/dto/fields';
import { PageQuery } from '../http/dto/pagination';

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
