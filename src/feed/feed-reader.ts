import { Injectable, Logger } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { loggable } from '../errors/problem.filter';
import { type EventFilter, type EventRow, readEvents } from './feed-queries';
import { FeedTail } from './feed-tail';

/** Events that a stream takes at a time: some 20 KB of text. */
const PAGE_SIZE = 50;

/** Streams of a process that read the table at the same time: the others wait, so that requests get connections. */
const CONCURRENT_READS = 4;

/** A part of the log for a stream. Events from memory are not filtered yet. */
export interface StreamPage {
  rows: EventRow[];
  scanned: number;
  /** Whether nothing newer was known. */
  atEnd: boolean;
}

/** Gives streams the events after a position: from memory near the end of the log, from the table before. */
@Injectable()
export class FeedReader {
  private readonly logger = new Logger('feed');
  private reading = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly tail: FeedTail,
  ) {}

  /** The next events; `expired` when some of them have been deleted, undefined while the database does not answer. */
  async next(after: number, filter: EventFilter): Promise<StreamPage | 'expired' | undefined> {
    const rows = this.tail.since(after, PAGE_SIZE);
    if (rows) return { rows, scanned: after + rows.length, atEnd: rows.length < PAGE_SIZE };
    await this.turn();
    try {
      const page = await readEvents(this.manager, after, filter, PAGE_SIZE);
      if (after < page.purged) return 'expired';
      return { rows: page.rows, scanned: page.scanned, atEnd: !page.hasMore };
    } catch (error) {
      this.logger.warn({ err: loggable(error) }, 'a stream cannot read events, and tries again');
      return undefined;
    } finally {
      this.waiting.shift()?.();
      this.reading--;
    }
  }

  /** Resolves when there may be more. */
  more(): Promise<void> {
    return this.tail.looked();
  }

  /** Waits until fewer than {@link CONCURRENT_READS} read. */
  private async turn(): Promise<void> {
    this.reading++;
    if (this.reading > CONCURRENT_READS) await new Promise<void>((resume) => this.waiting.push(resume));
  }
}
