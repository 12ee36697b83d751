import type { Order } from '../orders/order.entity';

/** What the gateway decided. A rejection is final; what may pass by itself is thrown instead and retried. */
export type GatewayOutcome = { outcome: 'success' } | { outcome: 'failure'; reason: string };

/**
 * Does the work behind "processing": fulfilment outside this service. Called outside any database transaction, at least
 * once an order; `attempt` repeats carry the same idempotency key. Throws for what is worth another attempt.
 */
export abstract class Gateway {
  abstract process(order: Order, signal: AbortSignal): Promise<GatewayOutcome>;
}
