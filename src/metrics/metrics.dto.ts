import { ApiProperty } from '@nestjs/swagger';

/** The orders in figures, for clients that ask for JSON. */
export class OrderMetricsResponse {
  @ApiProperty({ type: 'integer', example: 100 })
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
  @ApiProperty({ type: 'integer', example: 8 })
  pending_orders!: number;
  @ApiProperty({ type: 'integer', example: 2 })
  paid_orders!: number;
  @ApiProperty({ type: 'integer', example: 5 })
  processing_orders!: number;
  @ApiProperty({ type: 'integer', example: 81 })
  completed_orders!: number;
  @ApiProperty({ type: 'integer', example: 1 })
  failed_orders!: number;
  @ApiProperty({ type: 'integer', example: 3 })
  cancelled_orders!: number;
}
