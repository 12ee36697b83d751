import type { Order } from '../orders/order.entity';

/** What the gateway decided. A rejection is final; what may pass by itself is thrown instead and retried. */
export type FulfillmentOutcome = { outcome: 'success' } | { outcome: 'failure'; reason: string };

/**
 * Does the work behind "processing": fulfillment outside this service. Called outside any database transaction, at least
 * once an order; `attempt` repeats carry the same idempotency key. Throws for what is worth another attempt.
 */
export abstract class FulfillmentGateway {
  abstract process(order: Order, signal: AbortSignal): Promise<FulfillmentOutcome>;
}
