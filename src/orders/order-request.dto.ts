import {
  BooleanField,
  DateTimeField,
  EnumField,
  EnumListField,
  IdField,
  IntegerField,
  ListField,
  MetadataField,
  TextField,
} from '../http/dto/fields';
import { PageQuery } from '../http/dto/pagination';
import { ORDER_STATUSES, type OrderStatus } from './order-status';

const MAX_PRICE_CENTS = 10_000_000_000;
/** More than any order can come to: 100 lines of 1,000 pieces at the highest price. */
const MAX_TOTAL_CENTS = 1_000_000_000_000_000;

export class OrderItemRequest {
  @IdField({ description: 'The product by id; or give `sku`.', optional: true, example: 1 })
  product_id?: number;
  @TextField({ description: 'The product by SKU; or give `product_id`.', max: 64, optional: true })
  sku?: string;
  @TextField({
    description: 'A custom line (service, admin): its name, with `unit_price_cents`.',
    max: 200,
    optional: true,
  })
  name?: string;
  @IntegerField({ description: 'The price in cents of a custom line.', min: 0, max: MAX_PRICE_CENTS, optional: true })
  unit_price_cents?: number;
  @IntegerField({ description: 'Pieces.', max: 1000, example: 2 })
  quantity!: number;
}

export class PlaceOrderRequest {
  @ListField({
    description: 'Lines of the same product are merged.',
    of: () => OrderItemRequest,
    min: 1,
    max: 100,
    example: [
      { product_id: 1, quantity: 2 },
      { sku: 'MOUSE-1', quantity: 1 },
    ],
  })
  items!: OrderItemRequest[];
  @TextField({
    description: 'Where to deliver.',
    max: 500,
    optional: true,
    nullable: true,
    example: '1 Main St, Springfield',
  })
  address?: string | null;
  @TextField({
    description: 'For the person who packs it.',
    max: 1000,
    optional: true,
    nullable: true,
    example: 'leave at the door',
  })
  note?: string | null;
  @MetadataField({
    description: 'Your own data, kept as it is; at most 8,192 bytes.',
    optional: true,
    example: { source: 'web' },
  })
  metadata?: Record<string, unknown>;
  @IdField({ description: 'Whom the order is for (service, admin); left out: yourself.', optional: true })
  user_id?: number;
  @IntegerField({
    description: 'Refuses the order (409 PRICE_CHANGED) if it would come to another total, in cents.',
    min: 0,
    max: MAX_TOTAL_CENTS,
    optional: true,
  })
  expected_total_cents?: number;
  @EnumField({
    description: 'What the simulated gateway is to answer.',
    values: ['success', 'failure'],
    optional: true,
  })
  simulate_outcome?: 'success' | 'failure';
}

export class EditOrderRequest {
  @EnumField({ description: 'The status to change to.', values: ORDER_STATUSES, name: 'OrderStatus', optional: true })
  status?: OrderStatus;
  @TextField({ description: 'Where to deliver; while pending.', max: 500, optional: true, nullable: true })
  address?: string | null;
  @TextField({ description: 'For the person who packs it; while pending.', max: 1000, optional: true, nullable: true })
  note?: string | null;
  @MetadataField({ description: 'Replaces your own data; while pending.', optional: true })
  metadata?: Record<string, unknown>;
}

export class ChangeStatusRequest {
  @EnumField({ description: 'The status to change to.', values: ORDER_STATUSES, name: 'OrderStatus', example: 'paid' })
  status!: OrderStatus;
  @TextField({ description: 'Why; kept in the history.', max: 500, optional: true })
  reason?: string;
}

export class CancelOrderRequest {
  @TextField({ description: 'Why; kept in the history.', max: 500, optional: true, example: 'ordered by mistake' })
  reason?: string;
}

const SORTS = ['created_at', '-created_at', 'total_amount_cents', '-total_amount_cents', 'id', '-id'] as const;
export type OrderSort = (typeof SORTS)[number];

export class OrdersQuery extends PageQuery {
  @EnumListField({ description: 'Only these statuses; may be repeated.', values: ORDER_STATUSES, optional: true })
  status?: OrderStatus[];
  @IdField({ description: 'Only orders of this user.', optional: true, fromText: true })
  user_id?: number;
  @IdField({ description: 'Only orders with this product.', optional: true, fromText: true })
  product_id?: number;
  @DateTimeField({ description: 'Placed at this time or later.', optional: true })
  created_from?: string;
  @DateTimeField({ description: 'Placed before this time; a date alone includes that day.', optional: true })
  created_to?: string;
  @IntegerField({
    description: 'Total of at least this many cents.',
    min: 0,
    max: MAX_TOTAL_CENTS,
    optional: true,
    fromText: true,
  })
  min_total_cents?: number;
  @IntegerField({
    description: 'Total of at most this many cents.',
    min: 0,
    max: MAX_TOTAL_CENTS,
    optional: true,
    fromText: true,
  })
  max_total_cents?: number;
  @TextField({
    description:
      "The beginning of the order's number; for service and admin also a part of the name, e-mail or username of the customer, of at most 1,000 customers.",
    max: 100,
    optional: true,
  })
  q?: string;
  @EnumField({ description: 'The order of the list; `-` is descending.', values: SORTS, optional: true })
  sort: OrderSort = '-created_at';
  @BooleanField({ description: 'Whether to count and sum up all that match.', optional: true, fromText: true })
  totals = true;
}
