import { setTimeout } from 'node:timers/promises';

/** An event as it came out of a stream. */
export interface StreamEvent {
  id: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test asserts
  data: any;
}

/** A client of `GET /events/stream`, as docs/events.md describes it. */
export class StreamClient {
  readonly events: StreamEvent[] = [];
  /** The last id that was received, also with a beat. */
  lastId: string | undefined;
  /** The code of the `end` event; undefined while the stream goes on, or when it was cut off. */
  ended: string | undefined;
  /** True from the moment at which nothing more will come. */
  closed = false;
  beats = 0;
  private readonly done: Promise<void>;

  private constructor(
    readonly response: Response,
    private readonly abort = new AbortController(),
  ) {
    this.done = this.read().finally(() => {
      this.closed = true;
    });
  }

  /** Connects; fails with the problem when there is no stream. */
  static async open(url: string, headers: Record<string, string>): Promise<StreamClient> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return new StreamClient(response, abort);
  }

  /** Begins to read a stream that is open already. */
  static from(response: Response): StreamClient {
    return new StreamClient(response);
  }

  /** Goes away. */
  async close(): Promise<void> {
    this.abort.abort();
    await this.done;
  }

  private async read(): Promise<void> {
    let text = '';
    try {
      for await (const chunk of (this.response.body as ReadableStream<Uint8Array>).pipeThrough(
        new TextDecoderStream(),
      )) {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() as string;
        for (const block of blocks) this.take(block);
      }
    } catch {
      // The connection was cut off.
    }
  }

  private take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    this.lastId = fields.get('id') ?? this.lastId;
    if (fields.get('') === 'beat') this.beats++;
    const data = fields.get('data');
    if (data === undefined) return;
    if (fields.get('event') === 'end') this.ended = JSON.parse(data).code;
    else this.events.push({ id: this.lastId as string, type: fields.get('event') as string, data: JSON.parse(data) });
  }
}

/** Follows the log at any of the origins: connects again where it was, until `done`. Returns the positions that it received. */
export async function follow(
  origins: () => string[],
  headers: Record<string, string>,
  done: (positions: number[]) => boolean,
): Promise<number[]> {
  const positions: number[] = [];
  let lastId = '0';
  while (!done(positions)) {
    const [origin = ''] = origins().toSorted(() => Math.random() - 0.5);
    const client = await StreamClient.open(`${origin}/api/v1/events/stream`, {
      ...headers,
      'last-event-id': lastId,
    }).catch(() => undefined);
    if (!client) {
      await setTimeout(50);
      continue;
    }
    let taken = 0;
    while (!client.closed && !done(positions)) {
      for (; taken < client.events.length; taken++) positions.push(client.events[taken]?.data.position);
      await setTimeout(20);
    }
    await client.close();
    for (; taken < client.events.length; taken++) positions.push(client.events[taken]?.data.position);
    lastId = client.lastId ?? lastId;
  }
  return positions;
}
