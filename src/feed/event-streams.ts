import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config';
import { DomainError } from '../errors/domain-error';
import { ProcessMetrics } from '../observability/process-metrics';
import { EventStream, type StreamRequest } from './event-stream';
import { FeedReader } from './feed-reader';
import { FeedTail } from './feed-tail';

/** Milliseconds that clients get to take the end of their streams at a shutdown. */
const DRAIN_TIMEOUT_MS = 1_000;

/** Milliseconds between two looks for streams whose client takes nothing. */
const STALL_CHECK_INTERVAL_MS = 1_000;

/** The open streams of this process: how many there may be, and how they end. */
@Injectable()
export class EventStreams implements OnModuleDestroy {
  private readonly open = new Map<EventStream, { reader: string; release: () => void }>();
  private stopping = false;
  private stallCheck: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly reader: FeedReader,
    private readonly tail: FeedTail,
    private readonly metrics: ProcessMetrics,
  ) {}

  /** Opens a stream; `close` must be called when its connection has ended. Errors: TOO_MANY_STREAMS, UNAVAILABLE. */
  start(request: StreamRequest): { stream: EventStream; close: () => void } {
    if (this.stopping) throw new DomainError('UNAVAILABLE', 'This process is shutting down: connect again.');
    const reader = `${request.reader.type}:${request.reader.id}`;
    this.assertRoom(reader);
    const stream = new EventStream(request, this.reader);
    this.open.set(stream, { reader, release: this.tail.subscribe() });
    this.stallCheck ??= setInterval(() => this.destroyStalled(), STALL_CHECK_INTERVAL_MS);
    this.metrics.eventStreams.set(this.open.size);
    return { stream, close: () => this.close(stream) };
  }

  /** Ends all streams, and destroys those whose client does not take the end. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    for (const stream of this.open.keys()) stream.end('SHUTTING_DOWN');
    this.tail.wake();
    const closed = [...this.open.keys()].map(({ body }) => new Promise((done) => body.once('close', done)));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, DRAIN_TIMEOUT_MS);
    await Promise.race([Promise.all(closed), late]);
    clearTimeout(timer);
    for (const stream of this.open.keys()) this.close(stream);
    clearInterval(this.stallCheck);
  }

  private close(stream: EventStream): void {
    stream.destroy();
    this.open.get(stream)?.release();
    this.open.delete(stream);
    this.metrics.eventStreams.set(this.open.size);
    if (this.open.size > 0) return;
    clearInterval(this.stallCheck);
    this.stallCheck = undefined;
  }

  private destroyStalled(): void {
    for (const stream of this.open.keys()) if (stream.stalled) this.close(stream);
  }

  private assertRoom(reader: string): void {
    const { EVENT_STREAMS: all, EVENT_STREAMS_PER_PRINCIPAL: own } = this.config;
    const ofReader = [...this.open.values()].filter((one) => one.reader === reader).length;
    const full =
      this.open.size >= all
        ? `This process has ${all} streams open`
        : ofReader >= own && `You have ${own} streams open`;
    if (full)
      throw new DomainError('TOO_MANY_STREAMS', `${full}: close one, or try again later.`, {}, { 'retry-after': '5' });
  }
}
