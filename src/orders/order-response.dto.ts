import { ApiProperty } from '@nestjs/swagger';
import type { Principal } from '../access/principal';
import { exponentOf } from '../config/currencies';
import { iso } from '../database/prepared-statement';
import { Page } from '../http/dto/pagination';
import type { OrderRow } from './order-columns';
import { availableActions, ORDER_STATUSES, type OrderStatus } from './order-status';

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
  @ApiProperty({
    type: 'integer',
    description: 'Digits of the amounts after the decimal point, as ISO 4217 has it: 2 for USD, 0 for JPY.',
    example: 2,
  })
  currency_exponent!: number;
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
