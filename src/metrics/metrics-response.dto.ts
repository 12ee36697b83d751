import { ApiProperty } from '@nestjs/swagger';
import { BigCountProperty } from '../http/dto/response-fields';

/** The orders in figures, for clients that ask for JSON. */
export class OrderMetricsResponse {
  @BigCountProperty('Orders in all.', 100)
  total_orders!: number;
  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'Seconds in processing, on average over the latest 1,000 completed orders; null before the first.',
    example: 2.5,
  })
  average_processing_time!: number | null;
  @ApiProperty({
    type: 'number',
    description: 'Seconds for which the oldest pending or paid order has waited.',
    example: 12.5,
  })
  oldest_pending_seconds!: number;
  @BigCountProperty('Orders that are pending.', 8)
  pending_orders!: number;
  @BigCountProperty('Orders that are paid.', 2)
  paid_orders!: number;
  @BigCountProperty('Orders in processing.', 5)
  processing_orders!: number;
  @BigCountProperty('Orders that are completed.', 81)
  completed_orders!: number;
  @BigCountProperty('Orders that failed.', 1)
  failed_orders!: number;
  @BigCountProperty('Orders that were cancelled.', 3)
  cancelled_orders!: number;
}
