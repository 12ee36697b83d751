import type { Order } from '../orders/order.entity';

/** What the gateway decided. A rejection is final; what may pass by itself is thrown instead and retried. */
export type FulfillmentOutcome = { outcome: 'success' } | { outcome: 'failure'; reason: string };

/** Asks the gateway. Rejects when another attempt is worth it; every attempt carries the same idempotency key. */
export type FulfillmentCall = (signal: AbortSignal) => Promise<FulfillmentOutcome>;

/** Does the work behind "processing": fulfillment outside this service. */
export abstract class FulfillmentGateway {
  /**
   * Reads what the call needs, so that errors of the call are those of the gateway and never of the database. The call is
   * made outside any database transaction, at least once an order.
   */
  abstract prepare(order: Order): Promise<FulfillmentCall>;
}
