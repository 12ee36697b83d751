import { Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Roles } from '../common/access';
import type { Principal } from '../common/principal';
import { Sweep } from './sweep';

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
  constructor(private readonly sweep: Sweep) {}

  @Post('runs')
  @Roles('admin')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Process now',
    description: 'Queues every pending and paid order without waiting for the next sweep.',
  })
  @ApiAcceptedResponse({ type: RunResponse })
  async run(@CurrentPrincipal() principal: Principal): Promise<RunResponse> {
    return { queued: await this.sweep.run(principal) };
  }
}
