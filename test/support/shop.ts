import type { ServerResponse } from 'node:http';
import { DueOrders } from '../../src/processing/due-orders';
import { OrderProcessor } from '../../src/processing/order-processor';
import { startApp, type TestApp } from './app';
import { type Call, Fulfillment, json } from './fulfillment';
import { MAX_ATTEMPTS, type Outcome } from './shop-model';

/** A worker that has called the gateway for an order, and hears and does nothing until it is woken. */
export interface DeadWorker {
  orderId: number;
  attempt: number;
  /** The gateway answers after all; resolves when the worker has done what it does about that. */
  wake(outcome: Outcome): Promise<void>;
}

/**
 * The service as the model test drives it: an API that does nothing by itself, over HTTP, and workers that act when they
 * are told to. What a worker's polling loop would call is called here, so that a run takes no longer than its work.
 */
export class Shop {
  readonly dead: DeadWorker[] = [];
  private readonly held = new Map<number, (response: ServerResponse) => void>();

  private constructor(
    readonly app: TestApp,
    private readonly fulfillment: Fulfillment,
  ) {}

  static async open(): Promise<Shop> {
    const fulfillment = await Fulfillment.start();
    const app = await startApp({
      SERVICE_ROLE: 'api',
      GATEWAY: 'http',
      GATEWAY_URL: fulfillment.url,
      GATEWAY_SECRET: 'a-gateway-secret-for-tests-of-32-bytes',
      GATEWAY_TIMEOUT_MS: '30000',
      PROCESSING_MAX_ATTEMPTS: String(MAX_ATTEMPTS),
    });
    const shop = new Shop(app, fulfillment);
    fulfillment.answer = (response, call) => shop.answer(response, call);
    return shop;
  }

  /** Fails when the data breaks an invariant. */
  async close(): Promise<void> {
    await this.app.close();
    await this.fulfillment.close();
  }

  /** Ends what an earlier run has left, so that the next one is alone with the queue. */
  async tidy(): Promise<void> {
    for (const worker of this.dead.splice(0)) await worker.wake('success');
    for (;;) {
      const { orders } = (await this.app.admin.get('orders?status=pending&status=paid&limit=100&totals=false')).body;
      for (const { id } of orders) await this.app.admin.patch(`orders/${id}/cancel`);
      if (orders.length === 0) break;
    }
    await this.takeJobs();
  }

  /** Takes everything that waits out of the queue; returns the ids of the orders. */
  async takeJobs(): Promise<number[]> {
    const [rows] = await this.app.sql(
      `DELETE FROM pgboss.job WHERE name = 'process-order' AND state = 'created' RETURNING (data ->> 'order_id')::int AS id`,
    );
    return rows.map(({ id }: { id: number }) => id);
  }

  /** A worker processes the order to its end. */
  process(orderId: number): Promise<void> {
    return this.app.nest.get(OrderProcessor).process(orderId, new AbortController().signal);
  }

  /** A worker claims the order, calls the gateway, and is dead from then on. */
  async processAndDie(orderId: number, attempt: number): Promise<void> {
    const called = new Promise<ServerResponse>((hold) => this.held.set(orderId, hold));
    const working = this.process(orderId);
    const response = await Promise.race([called, working]);
    if (!response) throw new Error(`The gateway was not called for order ${orderId}`);
    const wake = (outcome: Outcome) => {
      json(response, 200, { outcome });
      return working;
    };
    this.dead.push({ orderId, attempt, wake });
  }

  /** The leases of dead workers run out, and the orders are looked for; returns how many were queued. */
  async recover(orderIds: number[]): Promise<number> {
    await this.app.sql(
      `UPDATE orders SET lease_until = now() - interval '1 second' WHERE id = ANY($1) AND lease_until IS NOT NULL`,
      [orderIds],
    );
    return this.app.nest.get(DueOrders).enqueueExpired();
  }

  private answer(response: ServerResponse, { order }: Call): void {
    const hold = this.held.get(order.id);
    this.held.delete(order.id);
    if (hold) hold(response);
    else json(response, 200, { outcome: order.metadata.outcome });
  }
}
