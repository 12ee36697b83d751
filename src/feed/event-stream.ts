import { Readable } from 'node:stream';
import type { Credential } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { mayRead, toEventResponse } from './event.dto';
import type { EventFilter, EventRow } from './feed-queries';
import type { FeedReader, StreamPage } from './feed-reader';

/** How long a client waits before it connects again. */
const RETRY_MS = 2_000;

/** Bytes that wait for a slow client in our own buffers; those of the socket come on top. */
const BUFFER_BYTES = 16_384;

/** Pause after the database could not tell whether a reader still has access. */
const CHECK_RETRY_MS = 1_000;

/** Times of a stream in milliseconds. */
export const STREAM_TIMES = {
  /** Without an event for this long, a beat is sent: it shows that the connection lives and how far the log was searched. */
  beat: 15_000,
  /** A stream whose client takes nothing for this long is destroyed. */
  stall: 30_000,
};

/** Why a stream ended, told to its client. */
export type EndReason = 'TOKEN_EXPIRED' | 'ACCESS_REVOKED' | 'EVENTS_EXPIRED' | 'SHUTTING_DOWN';

/** What a stream is asked for. */
export interface StreamRequest {
  reader: Principal;
  credential: Credential;
  filter: EventFilter;
  /** Events after this position are sent. */
  after: number;
}

/**
 * One open stream. It makes text only when its client takes it: a slow client costs a position in the log and some buffers.
 * Before it sends events, it asks whether the reader still is who they were.
 */
export class EventStream {
  readonly body: Readable;
  private position: number;
  private ending: EndReason | undefined;
  private closed = false;
  private sentAt = performance.now();
  private offeredAt: number | undefined;
  private checkAgainAt = 0;

  constructor(
    private readonly request: StreamRequest,
    private readonly events: FeedReader,
  ) {
    this.position = request.after;
    this.body = Readable.from(this.offered(), { objectMode: false, highWaterMark: BUFFER_BYTES });
    // A client that goes away in the middle is no error of ours.
    this.body.on('error', () => {});
  }

  /** Ends the stream with a reason as soon as its client takes it. */
  end(reason: EndReason): void {
    this.ending ??= reason;
  }

  /** Ends the stream at once, without a reason. */
  destroy(): void {
    this.closed = true;
    this.body.destroy();
  }

  /** Whether the client has taken nothing for too long. */
  get stalled(): boolean {
    return this.offeredAt !== undefined && performance.now() - this.offeredAt > STREAM_TIMES.stall;
  }

  /** The chunks; notes for how long one is waiting to be taken. */
  private async *offered(): AsyncGenerator<string> {
    for await (const chunk of this.chunks()) {
      this.offeredAt = this.sentAt = performance.now();
      yield chunk;
      this.offeredAt = undefined;
    }
  }

  private async *chunks(): AsyncGenerator<string> {
    // With the id, so that a client that is cut off before the first event goes on from here.
    yield `retry: ${RETRY_MS}\nid: ${this.position}\n\n`;
    while (!this.closed) {
      const trusted = await this.checkReader();
      if (this.ending) return yield endOf(this.ending);
      const page = trusted ? await this.events.next(this.position, this.request.filter) : undefined;
      if (page === 'expired') return yield endOf('EVENTS_EXPIRED');
      const text = this.show(page);
      if (text) yield text;
      if (!page || page.atEnd) await this.events.more();
    }
  }

  /** The events of a page, or a beat if one is due. A beat tells the position, so that a client with a filter does not expire. */
  private show(page: StreamPage | undefined): string {
    const text = page ? this.render(page.rows) : '';
    this.position = page?.scanned ?? this.position;
    const beatIsDue = performance.now() - this.sentAt >= STREAM_TIMES.beat;
    return text || (beatIsDue ? `id: ${this.position}\n: beat\n\n` : '');
  }

  private render(rows: EventRow[]): string {
    const { reader, filter } = this.request;
    return rows
      .filter((row) => matches(row, filter) && mayRead(reader, row))
      .map((row) => {
        const data = JSON.stringify(toEventResponse(row, reader));
        return `id: ${row.position}\nevent: ${row.type}\ndata: ${data}\n\n`;
      })
      .join('');
  }

  /** False while it cannot be found out whether the reader still has access; then nothing is sent. */
  private async checkReader(): Promise<boolean> {
    const { credential, reader } = this.request;
    if (credential.expiresAt !== null && Date.now() >= credential.expiresAt) this.end('TOKEN_EXPIRED');
    if (performance.now() < this.checkAgainAt) return false;
    try {
      const identity = await credential.identify();
      if (identity?.role !== reader.role) this.end('ACCESS_REVOKED');
      return true;
    } catch {
      this.checkAgainAt = performance.now() + CHECK_RETRY_MS;
      return false;
    }
  }
}

const endOf = (code: EndReason) => `event: end\ndata: {"code":"${code}"}\n\n`;

/** Whether an event from memory is one that the query would have found. */
const matches = (row: EventRow, { types, orderId }: EventFilter): boolean =>
  (!types || types.includes(row.type)) && (orderId === undefined || row.order_id === orderId);
