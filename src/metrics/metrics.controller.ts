import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Anonymous } from '../access/access.decorators';
import { Config } from '../config/config';
import { DomainError } from '../errors/domain-error';
import { ApiProblem } from '../errors/problem';
import { MetricsService } from './metrics.service';
import { OrderMetricsResponse } from './metrics-response.dto';

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

@ApiTags('Operation')
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: MetricsService,
    private readonly config: Config,
  ) {}

  @Get()
  @Anonymous()
  @ApiBearerAuth()
  @ApiExtraModels(OrderMetricsResponse)
  @ApiOperation({
    summary: 'Metrics',
    description: 'For Prometheus; with `Accept: application/json` the orders in figures. Takes METRICS_TOKEN, if set.',
  })
  @ApiOkResponse({
    description: 'The figures.',
    content: {
      'text/plain': { schema: { type: 'string' }, example: 'orders{status="pending"} 8' },
      'application/json': { schema: { $ref: getSchemaPath(OrderMetricsResponse) } },
    },
  })
  @ApiProblem(401, 'METRICS_TOKEN is set, and was not sent as Authorization: Bearer.')
  @ApiProblem(429, 'METRICS_TOKEN is set, and this address has asked too often; wait for `Retry-After`.')
  @ApiProblem(503, 'The orders in figures are asked for, and the database does not answer; wait for `Retry-After`.')
  async show(
    @Headers('accept') accept: string | undefined,
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | OrderMetricsResponse> {
    this.authorize(authorization);
    if (accept?.includes('application/json')) return this.metrics.orders();
    reply.type(PROMETHEUS);
    return this.metrics.prometheus();
  }

  private authorize(authorization = ''): void {
    const { METRICS_TOKEN } = this.config;
    // Hashed first, because only what is equally long can be compared in constant time.
    if (METRICS_TOKEN && !timingSafeEqual(digest(authorization), digest(`Bearer ${METRICS_TOKEN}`)))
      throw new DomainError('UNAUTHENTICATED', 'Send METRICS_TOKEN as Authorization: Bearer.');
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest();
