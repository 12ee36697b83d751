import { Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Config } from '../config/config';
import { Timers } from './timers';

/** `@Cron` methods, and the rows that make them run once across all processes. API processes have no timers. */
@Global()
@Module({
  imports: [
    ScheduleModule.forRootAsync({
      inject: [Config],
      useFactory: ({ SERVICE_ROLE }: Config) => ({ cronJobs: SERVICE_ROLE !== 'api' }),
    }),
  ],
  providers: [Timers],
  exports: [Timers],
})
export class SchedulingModule {}
