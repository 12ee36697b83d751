import { Module } from '@nestjs/common';
import { EventStreams } from './event-streams';
import { FeedController } from './feed.controller';
import { FeedService } from './feed.service';
import { FeedReader } from './feed-reader';
import { FeedTail } from './feed-tail';

/** The event log over HTTP: a list, and a stream that goes on. */
@Module({ controllers: [FeedController], providers: [FeedService, EventStreams, FeedReader, FeedTail] })
export class FeedModule {}
