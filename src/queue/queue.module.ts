import { Global, Module } from '@nestjs/common';
import { Queue } from './queue';

/** The one pg-boss of the process. */
@Global()
@Module({ providers: [Queue], exports: [Queue] })
export class QueueModule {}
