import { ApiProperty } from '@nestjs/swagger';
import type { Principal } from '../access/principal';
import { exponentOf } from '../config/currencies';
import { iso } from '../database/prepared-statement';
import { Page } from '../http/dto/pagination';
import {
  BigCountProperty,
  CentsProperty,
  IdProperty,
  IntegerProperty,
  TextProperty,
  TimeProperty,
} from '../http/dto/response-fields';
import type { OrderRow } from './order-columns';
import { availableActions, ORDER_STATUSES, type OrderStatus } from './order-status';

const EXPONENT = 'Digits of the amounts after the decimal point, as ISO 4217 has it: 2 for USD, 0 for JPY.';

export class OrderItemResponse {
  @IdProperty('The id of the line.', 1)
  id!: number;
  @IdProperty('The product; null for a custom line.', 1, { nullable: true })
  product_id!: number | null;
  @TextProperty('The stock keeping unit at purchase.', 'MBP-16', { nullable: true })
  sku!: string | null;
  @TextProperty('The name at purchase.', 'MacBook Pro 16"')
  product_name!: string;
  @IntegerProperty('Pieces.', 2)
  quantity!: number;
  @CentsProperty('The price of a piece at purchase, in cents.', 249_999)
  price_cents_at_purchase!: number;
  @CentsProperty('Quantity times price, in cents.', 499_998)
  line_total_cents!: number;
}

export class OrderResponse {
  @IdProperty('The id.', 1)
  id!: number;
  @TextProperty('The number for people; also good in addresses.', 'ORD-7K3M9Q2X')
  number!: string;
  @IdProperty('The customer.', 7)
  user_id!: number;
  @TextProperty('The name of the customer.', 'John Doe')
  user_name!: string;
  @ApiProperty({
    enum: ORDER_STATUSES,
    enumName: 'OrderStatus',
    description: 'Where the order is in its life.',
    example: 'pending',
  })
  status!: OrderStatus;
  @TextProperty('ISO 4217 code of all its amounts.', 'USD')
  currency!: string;
  @IntegerProperty(EXPONENT, 2)
  currency_exponent!: number;
  @ApiProperty({ type: [OrderItemResponse], description: 'Its lines, as they were at purchase.' })
  items!: OrderItemResponse[];
  @IntegerProperty('Pieces in all lines.', 2)
  total_quantity!: number;
  @CentsProperty('The sum of its lines, in cents.', 499_998)
  total_amount_cents!: number;
  @TextProperty('Where to deliver.', '1 Main St, Springfield', { nullable: true })
  address!: string | null;
  @TextProperty('For the person who packs it.', 'leave at the door', { nullable: true })
  note!: string | null;
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Your own data, as you sent them.',
    example: { source: 'web' },
  })
  metadata!: Record<string, unknown>;
  @IntegerProperty('Raised by every change; also the ETag.', 1)
  version!: number;
  @ApiProperty({ type: [String], description: 'What you may do with it now.', example: ['cancel', 'edit'] })
  available_actions!: string[];
  @TextProperty('Why it failed, while it is failed.', null, { nullable: true })
  failure_reason!: string | null;
  @TimeProperty('When it was placed.')
  created_at!: string;
  @TimeProperty('When it was last changed.')
  updated_at!: string;
  @TimeProperty('When processing began, since it was placed or last requeued.', { nullable: true })
  processing_started_at!: string | null;
  @TimeProperty('When it was completed.', { nullable: true })
  completed_at!: string | null;
}

export class OrderListResponse extends Page {
  @ApiProperty({ type: [OrderResponse], description: 'The orders of this page.' })
  orders!: OrderResponse[];
  @BigCountProperty('How many match in all.', 1, { optional: true })
  total?: number;
  @BigCountProperty('Pieces in all orders that match.', 2, { optional: true })
  total_quantity?: number;
  @CentsProperty('The sum of all orders that match, in cents.', 499_998, { optional: true })
  total_amount_cents?: number;
}

class ActorResponse {
  @ApiProperty({
    enum: ['user', 'client', 'system'],
    description: 'A person, an API client, or the service itself.',
    example: 'user',
  })
  type!: string;
  @IdProperty('The id of the user or API client; null for the service itself.', 7, { nullable: true })
  id!: number | null;
  @TextProperty('The name at the time.', 'John Doe')
  name!: string;
}

export class HistoryEntryResponse {
  @ApiProperty({
    enum: ORDER_STATUSES,
    enumName: 'OrderStatus',
    nullable: true,
    description: 'The status before; null for the placing.',
    example: 'pending',
  })
  from_status!: OrderStatus | null;
  @ApiProperty({ enum: ORDER_STATUSES, enumName: 'OrderStatus', description: 'The status after.', example: 'paid' })
  to_status!: OrderStatus;
  @ApiProperty({ type: ActorResponse, description: 'Who made the change.' })
  actor!: ActorResponse;
  @TextProperty('The reason that was given.', 'ordered by mistake', { nullable: true })
  reason!: string | null;
  @TextProperty(
    'The request that made the change; finds its log lines. null for background processing.',
    '0198a3c1-5a0e-7cc1-b3a4-0f6c2f0a9b11',
    { nullable: true },
  )
  request_id!: string | null;
  @TimeProperty('When the change was made.')
  created_at!: string;
}

export class HistoryResponse {
  @ApiProperty({ type: [HistoryEntryResponse], description: 'The latest 1,000 changes of status, oldest first.' })
  history!: HistoryEntryResponse[];
}

export function toOrderResponse(row: OrderRow, principal: Principal): OrderResponse {
  return {
    id: row.id,
    number: row.number,
    user_id: row.user_id,
    user_name: row.user_name,
    status: row.status,
    currency: row.currency,
    currency_exponent: exponentOf(row.currency),
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
