import { Global, Module } from '@nestjs/common';
import { Timers } from './timers';

/** Timers that run once across all processes. */
@Global()
@Module({ providers: [Timers], exports: [Timers] })
export class SchedulingModule {}
