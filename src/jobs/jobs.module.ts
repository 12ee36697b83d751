import { Global, Module } from '@nestjs/common';
import { Queue } from './queue';
import { Relay } from './relay';
import { Timers } from './timers';

@Global()
@Module({ providers: [Queue, Relay, Timers], exports: [Queue, Relay, Timers] })
export class JobsModule {}
