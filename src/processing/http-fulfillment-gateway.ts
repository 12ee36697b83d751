import { createHmac } from 'node:crypto';
import { SYSTEM } from '../access/principal';
import type { Order } from '../orders/order.entity';
import type { OrdersService } from '../orders/orders.service';
import { type FulfillmentCall, FulfillmentGateway, type FulfillmentOutcome } from './fulfillment-gateway';

/** Answers are an outcome and a reason; what is longer is not one of them. */
const ANSWER_BYTES = 65_536;
const REASON_LENGTH = 500;

/** Refusals that may pass by themselves: request timeout, too early, too many requests. */
const PASSING = new Set([408, 425, 429]);

export interface HttpFulfillmentGatewayOptions {
  url: string;
  /** Signs what is sent. */
  secret: string;
  /** Milliseconds for the whole call. */
  timeout: number;
}

/**
 * Has your fulfillment service process the order: `docs/gateway.md` is the contract. 2xx with an `outcome` decides, another
 * 4xx is a refusal for good, and everything else is thrown and so retried: 5xx, redirects, timeouts, answers that are none.
 */
export class HttpFulfillmentGateway extends FulfillmentGateway {
  constructor(
    private readonly options: HttpFulfillmentGatewayOptions,
    private readonly orders: OrdersService,
  ) {
    super();
  }

  async prepare(order: Order): Promise<FulfillmentCall> {
    const { available_actions: _, ...content } = await this.orders.get(String(order.id), SYSTEM);
    const body = JSON.stringify(content);
    return (signal) => this.send(order, body, signal);
  }

  private async send(order: Order, body: string, signal: AbortSignal): Promise<FulfillmentOutcome> {
    const answer = await fetch(this.options.url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.options.timeout)]),
      headers: {
        'content-type': 'application/json',
        // Random, so that it never comes again after a restore; the same for every attempt until an admin requeues the order.
        'idempotency-key': `${order.fulfillment_key}-${order.attempts_before_requeue}`,
        // Names this one attempt, as the log does.
        'x-request-id': `order-${order.id}-attempt-${order.attempt}`,
        ...signatureOf(body, this.options.secret),
      },
      body,
    });
    if (answer.ok) return outcomeOf(await readBounded(answer));
    await answer.body?.cancel();
    if (answer.status < 400 || answer.status >= 500 || PASSING.has(answer.status)) {
      throw new Error(`The gateway answered with HTTP ${answer.status}`);
    }
    return { outcome: 'failure', reason: `The fulfillment service refused the order (HTTP ${answer.status}).` };
  }
}

/** The time in seconds, and an HMAC-SHA256 in hex over that time, a full stop and the body. */
function signatureOf(body: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'x-signature-timestamp': timestamp, 'x-signature': `sha256=${signature}` };
}

async function readBounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new Error('The gateway answered with more than 64 KiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function outcomeOf(text: string): FulfillmentOutcome {
  const { outcome, reason } = parse(text);
  if (outcome === 'success') return { outcome };
  if (outcome === 'failure')
    return { outcome, reason: typeof reason === 'string' ? tidy(reason) : 'No reason was given.' };
  throw new Error('The gateway answered without an outcome');
}

function parse(text: string): { outcome?: unknown; reason?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new Error('The gateway answered with something else than JSON');
  }
}

/** The reason is shown to customers: one line of text that can be stored. */
const tidy = (reason: string) =>
  reason
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, REASON_LENGTH);
