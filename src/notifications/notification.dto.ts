import { ApiProperty } from '@nestjs/swagger';

class DeadLetter {
  @ApiProperty({
    description: 'The id of the event that the mail tells about.',
    example: '0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11',
  })
  id!: string;
  @ApiProperty({ example: 'order.completed' })
  topic!: string;
  @ApiProperty({ type: 'integer', nullable: true, example: 7 })
  order_id!: number | null;
  @ApiProperty({ type: 'integer', example: 1 })
  attempts!: number;
  @ApiProperty({ type: 'string', nullable: true, example: '550 5.1.1 No such user here' })
  error!: string | null;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  failed_at!: string;
}

export class DeadLettersResponse {
  @ApiProperty({ type: 'integer', description: 'Mails that were given up.', example: 1 })
  count!: number;
  @ApiProperty({ type: [DeadLetter], description: 'The latest 20 of them.' })
  latest!: DeadLetter[];
}

export class RequeuedResponse {
  @ApiProperty({ type: 'integer', description: 'Mails that are tried again.', example: 1 })
  requeued!: number;
}
