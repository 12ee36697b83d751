import { Global, Module } from '@nestjs/common';
import { EventRetention } from './event-retention';
import { OutboxRelay } from './outbox-relay';

/** The outbox, the relay that empties it, and the event log that the relay writes. */
@Global()
@Module({ providers: [OutboxRelay, EventRetention], exports: [OutboxRelay] })
export class EventsModule {}
