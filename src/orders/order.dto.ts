import { ApiProperty } from '@nestjs/swagger';
import {
  BooleanField,
  DateTimeField,
  EnumField,
  EnumListField,
  IntegerField,
  ListField,
  MetadataField,
  TextField,
} from '../common/fields';
import { Page, PageQuery } from '../common/pagination';
import type { Principal } from '../common/principal';
import { availableActions, ORDER_STATUSES, type OrderStatus } from './order-status';

const MAX_PRICE_CENTS = 10_000_000_000;
/** More than any order can come to: 100 lines of 1,000 pieces at the highest price. */
const MAX_TOTAL_CENTS = 1_000_000_000_000_000;

export class OrderItemRequest {
  @IntegerField({ description: 'The product by id; or give `sku`.', optional: true, example: 1 })
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
    description: 'For whoever packs it.',
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
  @IntegerField({ description: 'Whom the order is for (service, admin); left out: yourself.', optional: true })
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
  @TextField({ description: 'For whoever packs it; while pending.', max: 1000, optional: true, nullable: true })
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
  @IntegerField({ description: 'Only orders of this user.', optional: true, fromText: true })
  user_id?: number;
  @IntegerField({ description: 'Only orders with this product.', optional: true, fromText: true })
  product_id?: number;
  @DateTimeField({ description: 'Placed at this time or later.', optional: true })
  created_from?: string;
  @DateTimeField({ description: 'Placed before this time.', optional: true })
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
    description: "The beginning of the order's number, or a part of the customer's name or e-mail.",
    max: 100,
    optional: true,
  })
  q?: string;
  @EnumField({ description: 'The order of the list; `-` is descending.', values: SORTS, optional: true })
  sort: OrderSort = '-created_at';
  @BooleanField({ description: 'Whether to count and sum up all that match.', optional: true, fromText: true })
  totals = true;
}

export class OrderItemResponse {
  @ApiProperty({ type: 'integer', example: 1 })
  id!: number;
  @ApiProperty({ type: 'integer', nullable: true, description: 'null for a custom line.', example: 1 })
  product_id!: number | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'MBP-16' })
  sku!: string | null;
  @ApiProperty({ example: 'MacBook Pro 16"' })
  product_name!: string;
  @ApiProperty({ type: 'integer', example: 2 })
  quantity!: number;
  @ApiProperty({ type: 'integer', example: 249999 })
  price_cents_at_purchase!: number;
  @ApiProperty({ type: 'integer', example: 499998 })
  line_total_cents!: number;
}

const TIME = { format: 'date-time', example: '2026-01-31T12:00:00.000Z' } as const;

export class OrderResponse {
  @ApiProperty({ type: 'integer', example: 1 })
  id!: number;
  @ApiProperty({ example: 'ORD-7K3M9Q2X' })
  number!: string;
  @ApiProperty({ type: 'integer', example: 7 })
  user_id!: number;
  @ApiProperty({ example: 'John Doe' })
  user_name!: string;
  @ApiProperty({ enum: ORDER_STATUSES, enumName: 'OrderStatus', example: 'pending' })
  status!: OrderStatus;
  @ApiProperty({ example: 'USD' })
  currency!: string;
  @ApiProperty({ type: [OrderItemResponse] })
  items!: OrderItemResponse[];
  @ApiProperty({ type: 'integer', example: 2 })
  total_quantity!: number;
  @ApiProperty({ type: 'integer', example: 499998 })
  total_amount_cents!: number;
  @ApiProperty({ type: 'string', nullable: true })
  address!: string | null;
  @ApiProperty({ type: 'string', nullable: true })
  note!: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, example: { source: 'web' } })
  metadata!: Record<string, unknown>;
  @ApiProperty({ type: 'integer', description: 'Also the ETag.', example: 1 })
  version!: number;
  @ApiProperty({ type: [String], description: 'What you may do with it now.', example: ['cancel', 'edit'] })
  available_actions!: string[];
  @ApiProperty({ type: 'string', nullable: true })
  failure_reason!: string | null;
  @ApiProperty(TIME)
  created_at!: string;
  @ApiProperty(TIME)
  updated_at!: string;
  @ApiProperty({ type: 'string', nullable: true, ...TIME })
  processing_started_at!: string | null;
  @ApiProperty({ type: 'string', nullable: true, ...TIME })
  completed_at!: string | null;
}

export class OrderListResponse extends Page {
  @ApiProperty({ type: [OrderResponse] })
  orders!: OrderResponse[];
  @ApiProperty({ type: 'integer', required: false, description: 'How many match in all.', example: 1 })
  total?: number;
  @ApiProperty({ type: 'integer', required: false, description: 'Pieces in all orders that match.', example: 2 })
  total_quantity?: number;
  @ApiProperty({ type: 'integer', required: false, description: 'Cents of all orders that match.', example: 499998 })
  total_amount_cents?: number;
}

class ActorResponse {
  @ApiProperty({ enum: ['user', 'client', 'system'] })
  type!: string;
  @ApiProperty({ type: 'integer', nullable: true })
  id!: number | null;
  @ApiProperty({ example: 'John Doe' })
  name!: string;
}

export class HistoryEntryResponse {
  @ApiProperty({ enum: ORDER_STATUSES, enumName: 'OrderStatus', nullable: true, description: 'null: the placing.' })
  from_status!: OrderStatus | null;
  @ApiProperty({ enum: ORDER_STATUSES, enumName: 'OrderStatus' })
  to_status!: OrderStatus;
  @ApiProperty({ type: ActorResponse })
  actor!: ActorResponse;
  @ApiProperty({ type: 'string', nullable: true })
  reason!: string | null;
  @ApiProperty({ type: 'string', nullable: true })
  request_id!: string | null;
  @ApiProperty(TIME)
  created_at!: string;
}

export class HistoryResponse {
  @ApiProperty({ type: [HistoryEntryResponse], description: 'Oldest first.' })
  history!: HistoryEntryResponse[];
}

/** An order as the queries return it; times are Dates, or text when they come out of stored JSON. */
export interface OrderRow {
  id: number;
  number: string;
  user_id: number;
  user_name: string;
  status: OrderStatus;
  currency: string;
  total_quantity: number;
  total_amount_cents: number;
  address: string | null;
  note: string | null;
  metadata: Record<string, unknown>;
  version: number;
  failure_reason: string | null;
  created_at: Date | string;
  updated_at: Date | string;
  processing_started_at: Date | string | null;
  completed_at: Date | string | null;
  items: OrderItemResponse[];
}

const iso = (time: Date | string) => new Date(time).toISOString();

export function toOrderResponse(row: OrderRow, principal: Principal): OrderResponse {
  return {
    id: row.id,
    number: row.number,
    user_id: row.user_id,
    user_name: row.user_name,
    status: row.status,
    currency: row.currency,
    items: row.items.map((item) => ({
      id: item.id,
      product_id: item.product_id,
      sku: item.sku,
      product_name: item.product_name,
      quantity: item.quantity,
      price_cents_at_purchase: item.price_cents_at_purchase,
      line_total_cents: item.line_total_cents,
    })),
    total_quantity: row.total_quantity,
    total_amount_cents: row.total_amount_cents,
    address: row.address,
    note: row.note,
    metadata: row.metadata,
    version: row.version,
    available_actions: availableActions(row.status, principal),
    failure_reason: row.failure_reason,
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
    processing_started_at: row.processing_started_at && iso(row.processing_started_at),
    completed_at: row.completed_at && iso(row.completed_at),
  };
}
