import { Module } from '@nestjs/common';
import { BusinessMetrics } from './business-metrics';
import { MetricsController } from './metrics.controller';
import { MetricsService } from './metrics.service';

@Module({ controllers: [MetricsController], providers: [MetricsService, BusinessMetrics] })
export class MetricsModule {}
