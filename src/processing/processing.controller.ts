import { Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Roles } from '../access/access.decorators';
import { DueOrders } from './due-orders';

class RunResponse {
  @ApiProperty({
    type: 'integer',
    description: 'Orders that were queued by this run; those already waiting do not count.',
    example: 3,
  })
  queued!: number;
}

@ApiTags('Processing')
@Controller('processing')
export class ProcessingController {
  constructor(private readonly dueOrders: DueOrders) {}

  @Post('runs')
  @Roles('admin')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Process now',
    description: 'Queues every pending and paid order without waiting for the next sweep.',
  })
  @ApiAcceptedResponse({ type: RunResponse })
  async run(): Promise<RunResponse> {
    return { queued: await this.dueOrders.enqueueDue() };
  }
}
