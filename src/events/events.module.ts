import { Global, Module } from '@nestjs/common';
import { OutboxRelay } from './outbox-relay';

/** The outbox and the relay that empties it. */
@Global()
@Module({ providers: [OutboxRelay], exports: [OutboxRelay] })
export class EventsModule {}
