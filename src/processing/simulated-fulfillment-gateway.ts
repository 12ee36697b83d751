import { setTimeout } from 'node:timers/promises';
import type { Order } from '../orders/order.entity';
import { type FulfillmentCall, FulfillmentGateway } from './fulfillment-gateway';

/** Takes a fixed time and succeeds, unless the order asked for a failure. */
export class SimulatedFulfillmentGateway extends FulfillmentGateway {
  constructor(private readonly durationMs: number) {
    super();
  }

  async prepare(order: Order): Promise<FulfillmentCall> {
    return async (signal) => {
      if (this.durationMs > 0) await setTimeout(this.durationMs, undefined, { signal });
      return order.simulate_outcome === 'failure'
        ? { outcome: 'failure', reason: 'The simulated gateway was told to fail.' }
        : { outcome: 'success' };
    };
  }
}
