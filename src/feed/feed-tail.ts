import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { loggable } from '../errors/problem.filter';
import { type EventRow, readLogState, readTail } from './feed-queries';

/** Pause between two looks for new events. */
const POLL_INTERVAL_MS = 250;

/** Events that one look reads; after so many it looks again at once. */
const POLL_SIZE = 1_000;

/** Events that are kept in memory for the streams near the end of the log. */
const RING_SIZE = 10_000;

/**
 * The end of the event log, in memory: one query every {@link POLL_INTERVAL_MS} for all streams of the process, and none
 * without a stream. There is no LISTEN: it would hold a connection, and receive nothing behind a transaction pooler.
 */
@Injectable()
export class FeedTail {
  private readonly logger = new Logger('feed');
  /** Without gaps, because positions have none; its last event is at `position`. */
  private ring: EventRow[] = [];
  private position: number | undefined;
  private subscribers = 0;
  private running = false;
  private next = Promise.withResolvers<void>();

  constructor(@InjectEntityManager() private readonly manager: EntityManager) {}

  /** Looks for events until the function that it returns is called. */
  subscribe(): () => void {
    this.subscribers++;
    if (!this.running) void this.run();
    let subscribed = true;
    return () => {
      if (subscribed) this.subscribers--;
      subscribed = false;
    };
  }

  /** Resolves after the next look, whether it found events or not, and also if the database did not answer. */
  looked(): Promise<void> {
    return this.next.promise;
  }

  /** Has all who wait for {@link looked} go on now. */
  wake(): void {
    this.next.resolve();
    this.next = Promise.withResolvers();
  }

  /** The events after a position, at most `limit`; undefined when the memory does not reach back that far. */
  since(position: number, limit: number): EventRow[] | undefined {
    if (this.position === undefined || position < this.position - this.ring.length) return undefined;
    const start = this.ring.length - (this.position - position);
    return this.ring.slice(start, start + limit);
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.subscribers > 0) {
      const found = await this.look().catch((error) => {
        this.logger.warn({ err: loggable(error) }, 'the feed cannot read new events, and tries again');
        return 0;
      });
      this.wake();
      if (found < POLL_SIZE) await setTimeout(POLL_INTERVAL_MS);
    }
    this.running = false;
    this.ring = [];
    this.position = undefined;
    this.wake();
  }

  private async look(): Promise<number> {
    this.position ??= (await readLogState(this.manager)).latest;
    const found = await readTail(this.manager, this.position, POLL_SIZE);
    const [first, last] = [found[0], found.at(-1)];
    if (!first || !last) return 0;
    // A process that was stopped for so long that events were deleted meanwhile.
    if (first.position !== this.position + 1) this.ring = [];
    this.ring.push(...found);
    if (this.ring.length > RING_SIZE) this.ring.splice(0, this.ring.length - RING_SIZE);
    this.position = last.position;
    return found.length;
  }
}
