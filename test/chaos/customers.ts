import { setTimeout } from 'node:timers/promises';
import { ADMIN, logIn, PASSWORD } from '../support/app';
import { random } from '../support/random';
import type { Journal } from './journal';
import type { Slot } from './slot';

/** What a client knows of an order that it wanted. */
export interface Wish {
  key: string;
  outcome: 'unknown' | 'acknowledged' | 'refused';
  /** The ids that answers named: one, however often it was asked. */
  ids: Set<number>;
  /** The client was told that it is cancelled. */
  cancelled: boolean;
  /** The gateway is told to fail it. */
  failing: boolean;
  /** The ids of the requests that got no answer from a process which was asked to end. */
  dropped: string[];
}

const USERS = 5;
const PRODUCTS = 8;

/** Requests under way beyond which no new order is begun: the service is away, and customers do not queue without end. */
const MOST = 60;

/** Milliseconds that a client waits for an answer, and between two attempts: Retry-After asks for a second. */
const PATIENCE = 10_000;
const PAUSE = 1_000;

/** Customers that order at random, retry with the same key until they know the outcome, and record it. */
export class Customers {
  readonly wishes: Wish[] = [];
  /** The longest that an answer took, in milliseconds. */
  slowest = 0;
  /** Requests that clients gave up waiting for, and sent again later. */
  givenUp = 0;
  /** Answers with a status of 500 or more that do not ask to try again. */
  readonly serverErrors: string[] = [];
  private requests = 0;
  private tokens: string[] = [];
  private products: number[] = [];
  private readonly next: () => number;
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly seed: number,
    private readonly apis: Slot[],
    private readonly journal: Journal,
  ) {
    this.next = random(seed + 1);
  }

  /** Orders that are being placed. */
  get waiting(): number {
    return this.running.size;
  }

  /** Registers them, and puts products on sale: one of them is soon sold out. */
  async arrive(): Promise<void> {
    const anonymous = (this.apis[0] as Slot).anonymous;
    const admin = await logIn(anonymous, ADMIN);
    for (let n = 1; n <= PRODUCTS; n++) {
      const product = { name: `Product ${n}`, price_cents: 100 * n, stock: n === 1 ? 300 : 1_000_000 };
      this.products.push((await admin.post('products', product)).body.id);
    }
    for (let n = 1; n <= USERS; n++) {
      const login = { email: `customer-${n}@example.com`, password: PASSWORD };
      await admin.post('users', { name: 'Ann Smith', ...login, role: 'user' });
      this.tokens.push((await anonymous.post('auth/login', login)).body.access_token);
    }
  }

  /** Orders at this rate until `stop` says so. */
  async order(perSecond: number, stop: AbortSignal): Promise<void> {
    let due = Date.now();
    while (!stop.aborted) {
      if (this.running.size < MOST) this.begin();
      due = Math.max(due + 1000 / perSecond, Date.now() - 1000);
      await setTimeout(Math.max(0, due - Date.now()), undefined, { signal: stop }).catch(() => {});
    }
  }

  /** Has so many orders placed at one process at the same time. */
  burst(count: number, at: Slot): void {
    for (let n = 0; n < count; n++) this.begin(at);
  }

  /** Resolves when every order has a known outcome. */
  async leave(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private begin(at?: Slot): void {
    const running = this.one(at).finally(() => this.running.delete(running));
    this.running.add(running);
  }

  /** An order from its placing to what follows: some are cancelled, some are sent again although they were answered. */
  private async one(at?: Slot): Promise<void> {
    const [lines, failing, followUp, retry] = [this.next(), this.next() < 0.03, this.next(), this.next() < 0.03];
    const key = `${this.seed}-${this.wishes.length + 1}`;
    const wish: Wish = { key, outcome: 'unknown', ids: new Set(), cancelled: false, failing, dropped: [] };
    this.wishes.push(wish);
    const items = Array.from({ length: 1 + Math.floor(lines * 3) }, () => ({
      product_id: this.anyProduct(),
      quantity: 1 + Math.floor(this.next() * 3),
    }));
    const body = { items, metadata: { key, ...(failing && { failing }) } };
    const token = this.tokens[Math.floor(this.next() * USERS)] as string;
    await this.place(wish, token, body, at);
    if (wish.outcome === 'acknowledged' && followUp < 0.05) await this.cancel(wish, token, followUp * 20_000);
    if (wish.outcome === 'acknowledged' && retry) await this.place(wish, token, body);
  }

  /** Asks until there is an answer that says what became of it. */
  private async place(wish: Wish, token: string, body: object, first?: Slot): Promise<void> {
    for (let at = first; ; at = undefined) {
      const answer = await this.send(wish, 'POST', '/api/v1/orders', token, body, at);
      if (answer?.status === 201) {
        wish.outcome = 'acknowledged';
        wish.ids.add(answer.body.id);
        return;
      }
      if (answer?.body.code === 'INSUFFICIENT_STOCK' && wish.outcome === 'unknown') {
        wish.outcome = 'refused';
        return;
      }
      if (answer && answer.status < 500 && answer.body.code !== 'IDEMPOTENCY_KEY_IN_USE') {
        return this.journal.fail(`${wish.key} was answered with ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      await setTimeout(PAUSE);
    }
  }

  private async cancel(wish: Wish, token: string, after: number): Promise<void> {
    await setTimeout(after);
    const [id] = wish.ids;
    const answer = await this.send(wish, 'PATCH', `/api/v1/orders/${id}/cancel`, token, {});
    wish.cancelled = answer?.status === 200;
    if (answer && answer.status < 500 && ![200, 409].includes(answer.status)) {
      this.journal.fail(`cancelling ${wish.key} was answered with ${answer.status} ${JSON.stringify(answer.body)}`);
    }
  }

  /** Sends a request to one of the processes; undefined when it was cut off. */
  private async send(wish: Wish, method: string, path: string, token: string, body: object, at = this.anyApi()) {
    if (!at?.up) return undefined;
    const { name, origin } = at;
    const request = `${wish.key}-${++this.requests}`;
    const began = Date.now();
    try {
      const response = await fetch(`${origin}${path}`, {
        method,
        signal: AbortSignal.timeout(PATIENCE),
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          'idempotency-key': wish.key,
          'x-request-id': request,
        },
        body: JSON.stringify(body),
      });
      // biome-ignore lint/suspicious/noExplicitAny: an order or a problem
      const answer = { status: response.status, body: (await response.json()) as any };
      if (answer.status >= 500 && answer.status !== 503) {
        this.serverErrors.push(`${method} ${path} ${JSON.stringify(answer)}`);
      }
      return answer;
    } catch (error) {
      if (at.draining && at.name === name) wish.dropped.push(request);
      if ((error as Error).name === 'TimeoutError') this.givenUp++;
      return undefined;
    } finally {
      this.slowest = Math.max(this.slowest, Date.now() - began);
    }
  }

  /** Seldom the scarce one. */
  private anyProduct(): number {
    const index = this.next() < 0.02 ? 0 : 1 + Math.floor(this.next() * (PRODUCTS - 1));
    return this.products[index] as number;
  }

  private anyApi(): Slot | undefined {
    const up = this.apis.filter((api) => api.up);
    return up[Math.floor(Math.random() * up.length)];
  }
}
