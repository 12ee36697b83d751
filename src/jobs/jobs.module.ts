import { Global, Module } from '@nestjs/common';
import { Queue } from './queue';
import { Timers } from './timers';

@Global()
@Module({ providers: [Queue, Timers], exports: [Queue, Timers] })
export class JobsModule {}
