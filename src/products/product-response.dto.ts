import { ApiProperty } from '@nestjs/swagger';
import { exponentOf } from '../config/currencies';
import { Page } from '../http/dto/pagination';
import {
  BooleanProperty,
  CentsProperty,
  IdProperty,
  IntegerProperty,
  TextProperty,
  TimeProperty,
} from '../http/dto/response-fields';
import type { Product } from './product.entity';

const EXPONENT = 'Digits of the amounts after the decimal point, as ISO 4217 has it: 2 for USD, 0 for JPY.';

export class StockResponse {
  @IntegerProperty('Pieces in the warehouse.', 25)
  on_hand!: number;
  @IntegerProperty('Pieces promised to orders that are not shipped.', 2)
  reserved!: number;
  @IntegerProperty('on_hand - reserved: pieces that can be ordered.', 23)
  available!: number;
}

export class ProductResponse {
  @IdProperty('The id.', 1)
  id!: number;
  @TextProperty('Stock keeping unit, unique.', 'MBP-16', { nullable: true })
  sku!: string | null;
  @TextProperty('Name.', 'MacBook Pro 16"')
  name!: string;
  @TextProperty('Free text.', 'With 32 GB of memory.', { nullable: true })
  description!: string | null;
  @CentsProperty('The price of a piece, in cents.', 249_999)
  price_cents!: number;
  @TextProperty('ISO 4217 code of the price.', 'USD')
  currency!: string;
  @IntegerProperty(EXPONENT, 2)
  currency_exponent!: number;
  @ApiProperty({ type: StockResponse, nullable: true, description: 'null: stock is not tracked.' })
  stock!: StockResponse | null;
  @BooleanProperty('Whether it can be ordered.', true)
  active!: boolean;
  @IntegerProperty('Raised by every change but those of the stock.', 1)
  version!: number;
  @TimeProperty('When it was added.')
  created_at!: string;
  @TimeProperty('When it or its stock was last changed.')
  updated_at!: string;
}

export class ProductListResponse extends Page {
  @ApiProperty({ type: [ProductResponse], description: 'The products of this page.' })
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
