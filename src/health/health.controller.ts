import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import type { FastifyReply } from 'fastify';
import { Anonymous } from '../access/access.decorators';
import { TextProperty, TimeProperty } from '../http/dto/response-fields';
import { type Health, HealthService } from './health.service';

class HealthResponse {
  @ApiProperty({ enum: ['healthy', 'unhealthy'], description: 'healthy when every check is ok.', example: 'healthy' })
  status!: string;
  @TimeProperty('When the checks were made.')
  timestamp!: string;
  @TextProperty('The version of the service.', '1.0.0')
  version!: string;
  @TextProperty('NODE_ENV.', 'development')
  environment!: string;
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string', enum: ['ok', 'failed'] },
    description: 'What was checked, and how it is.',
    example: { database: 'ok' },
  })
  checks!: Record<string, string>;
}

class LiveResponse {
  @ApiProperty({ enum: ['alive'], description: 'The process runs.', example: 'alive' })
  status!: string;
}

@ApiTags('Operation')
@Controller('health')
@SkipThrottle()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get()
  @Anonymous()
  @ApiOperation({ summary: 'Health', description: 'What works and what does not; always 200.' })
  @ApiOkResponse({ type: HealthResponse })
  status(): Promise<Health> {
    return this.health.check();
  }

  @Get('live')
  @Anonymous()
  @ApiOperation({ summary: 'Alive', description: 'Answers while the process runs; needs neither database nor queue.' })
  @ApiOkResponse({ type: LiveResponse })
  live(): LiveResponse {
    return { status: 'alive' };
  }

  @Get('ready')
  @Anonymous()
  @ApiOperation({
    summary: 'Ready',
    description: '503 while the database or the queue is away, migrations are pending, or a shutdown is under way.',
  })
  @ApiOkResponse({ type: HealthResponse })
  @ApiServiceUnavailableResponse({ type: HealthResponse })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Health> {
    const health = await this.health.check();
    if (health.status !== 'healthy') reply.status(503).header('retry-after', '1');
    return health;
  }
}
