import { setTimeout } from 'node:timers/promises';
import { Fulfillment, json } from '../support/fulfillment';

/** Milliseconds until an order is fulfilled: long enough that most faults find some under way. */
const DURATION_MS = 200;

/** A fulfillment service that says the same about an order each time it is asked, and remembers what it said. */
export class ChaosGateway {
  /** Ids of the orders that it has answered with success. */
  readonly fulfilled = new Set<number>();

  private constructor(private readonly service: Fulfillment) {}

  static async start(): Promise<ChaosGateway> {
    const service = await Fulfillment.start();
    const gateway = new ChaosGateway(service);
    service.answer = async (response, { order }) => {
      // The calls of a long run would fill the memory.
      service.calls.length = 0;
      await setTimeout(DURATION_MS);
      if (order.metadata.failing) return json(response, 200, { outcome: 'failure', reason: 'told to fail' });
      gateway.fulfilled.add(order.id);
      json(response, 200, { outcome: 'success' });
    };
    return gateway;
  }

  /** Settings of processes that call it. */
  get settings(): NodeJS.ProcessEnv {
    return {
      GATEWAY: 'http',
      GATEWAY_URL: this.service.url,
      GATEWAY_SECRET: 'a-gateway-secret-for-chaos-of-32-bytes',
    };
  }

  close(): Promise<void> {
    return this.service.close();
  }
}
