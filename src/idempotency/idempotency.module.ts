import { Module } from '@nestjs/common';
import { IdempotencySchedule } from './idempotency.schedule';

/** Deletes expired keys; reading and writing them is part of the operations that take one. */
@Module({ providers: [IdempotencySchedule] })
export class IdempotencyModule {}
