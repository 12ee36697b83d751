import { setTimeout } from 'node:timers/promises';
import { contractOf } from './contract';

/** An answer, with its body parsed. `any`, because a test says what it expects of it. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test asserts
  body: any;
}

/** An HTTP client of the service. It checks every answer against the service's own `/openapi.json`. */
export class Client {
  constructor(
    readonly origin: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  /** The same client with further headers. */
  with(headers: Record<string, string>): Client {
    return new Client(this.origin, { ...this.headers, ...headers });
  }

  /** The same client for another process of the service. */
  at(origin: string): Client {
    return new Client(origin, this.headers);
  }

  get = (path: string) => this.send('GET', path);
  post = (path: string, body?: unknown) => this.send('POST', path, body);
  patch = (path: string, body?: unknown) => this.send('PATCH', path, body);
  delete = (path: string) => this.send('DELETE', path);

  /** Sends a request; paths that do not start with `/` are below `/api/v1/`. Fails when the answer is not as documented. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const url = new URL(path.startsWith('/') ? path : `/api/v1/${path}`, this.origin);
    const contract = await contractOf(this.origin);
    const raw = typeof body === 'string' || body instanceof URLSearchParams || body instanceof Uint8Array;
    const response = await fetch(url, {
      method,
      headers: { ...(body !== undefined && !raw && { 'content-type': 'application/json' }), ...this.headers },
      ...(body !== undefined && { body: (raw ? body : JSON.stringify(body)) as string }),
    });
    // A stream does not end by itself: the client reads its head and goes away.
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (isStream) await response.body?.cancel();
    const text = isStream ? '' : await response.text();
    const json = response.headers.get('content-type')?.includes('json');
    const answer = { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text };
    contract?.check(method, url, answer);
    return answer;
  }
}

/** Sends again after a second, as `Retry-After` asks, while the answer is 503 and `patience` returns true. */
export async function patiently(
  send: () => Promise<Answer>,
  patience: (time: number) => boolean = () => true,
): Promise<Answer> {
  for (let time = 1; ; time++) {
    const answer = await send();
    if (answer.status !== 503 || !patience(time)) return answer;
    await setTimeout(1000);
  }
}
