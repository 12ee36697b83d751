import { Injectable, Logger } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { SYSTEM } from '../access/principal';
import { Config } from '../config/config';
import { failpoint } from '../config/failpoint';
import { retrySerialization } from '../errors/database-errors';
import { loggable } from '../errors/problem.filter';
import { ProcessMetrics } from '../observability/process-metrics';
import { Order } from '../orders/order.entity';
import { OrderLifecycle } from '../orders/order-lifecycle';
import { FulfillmentGateway, type FulfillmentOutcome } from './fulfillment-gateway';

/**
 * Seconds for which a worker has an order to itself. Longer than a gateway call may take (30 s), so it needs no renewal;
 * short enough that lease, recovery interval and poll together stay below the 75 s within which a killed worker's orders
 * are taken over.
 */
export const LEASE_SECONDS = 45;

/** Seconds before the next attempt: 5, 10, 20 … at most 300, with up to as much again so that retries spread out. */
export function backoffSeconds(attempt: number, random = Math.random()): number {
  return Math.min(5 * 2 ** (attempt - 1), 300) * (1 + random);
}

/**
 * Takes one order through `processing`: claim, gateway, settle. Each of the two database steps is a transaction of its
 * own; the gateway is called between them. The attempt number that the claim raised is the fence of everything after
 * it: a worker that was stalled or cut off meanwhile changes nothing any more.
 */
@Injectable()
export class OrderProcessor {
  private readonly logger = new Logger('processing');

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly transitions: OrderLifecycle,
    private readonly gateway: FulfillmentGateway,
    private readonly config: Config,
    private readonly metrics: ProcessMetrics,
  ) {}

  /** Processes the order if it is due; does nothing when another worker has it or it was cancelled. Never throws for one. */
  async process(orderId: number, signal: AbortSignal): Promise<void> {
    const order = await retrySerialization(() => this.claim(orderId));
    if (!order) return;
    failpoint('order-claimed');
    const used = order.attempt - order.attempts_before_requeue;
    if (used > this.config.PROCESSING_MAX_ATTEMPTS) {
      return this.settle(order, { outcome: 'failure', reason: 'Processing was cut off at every attempt.' });
    }
    try {
      const result = await this.gateway.process(order, signal);
      failpoint('gateway-answered');
      await this.settle(order, result);
    } catch (error) {
      if (signal.aborted) return this.giveBack(order);
      this.logger.warn({ order_id: order.id, attempt: order.attempt, err: loggable(error) }, 'attempt failed');
      if (used < this.config.PROCESSING_MAX_ATTEMPTS) await this.putOff(order, backoffSeconds(used));
      else await this.settle(order, { outcome: 'failure', reason: `Processing failed ${used} times.` });
    }
  }

  /** Takes the order for this worker and raises its attempt; null if it is not to be had. */
  private async claim(id: number): Promise<Order | null> {
    const order = await this.manager.findOneBy(Order, { id });
    if (order?.status === 'pending' || order?.status === 'paid') {
      const wanted = { orderId: id, from: order.status, to: 'processing', leaseSeconds: LEASE_SECONDS } as const;
      const claimed = await this.transitions.change(wanted, SYSTEM);
      // What was read may be a requeue behind by now: the claim knows which attempts count.
      return claimed && { ...order, attempt: claimed.attempt, attempts_before_requeue: claimed.cycle };
    }
    return order?.status === 'processing' ? this.takeOver(order) : null;
  }

  /**
   * Takes an order from a worker whose lease has run out: from here on that worker's attempt number is stale. What was
   * given back goes on at the attempt that it was given back at.
   */
  private async takeOver(order: Order): Promise<Order | null> {
    const [rows] = await this.manager.query(
      `UPDATE orders SET attempt = attempt + (lease_until > 'epoch')::int, lease_until = now() + $2 * interval '1 second'
       WHERE id = $1 AND status = 'processing' AND lease_until <= now()
       RETURNING attempt, attempts_before_requeue`,
      [order.id, LEASE_SECONDS],
    );
    return rows[0] ? { ...order, ...rows[0] } : null;
  }

  private async settle(order: Order, result: FulfillmentOutcome): Promise<void> {
    const change = {
      orderId: order.id,
      from: 'processing',
      to: result.outcome === 'success' ? 'completed' : 'failed',
      reason: result.outcome === 'failure' ? result.reason : null,
      attempt: order.attempt,
    } as const;
    const settled = await retrySerialization(() => this.transitions.change(change, SYSTEM));
    failpoint('order-settled');
    if (!settled) {
      this.logger.warn({ order_id: order.id, attempt: order.attempt }, 'order was taken over: result dropped');
      return;
    }
    this.metrics.processing.observe({ outcome: result.outcome }, settled.processing as number);
    this.logger.log({ order_id: order.id, attempt: order.attempt, outcome: change.to });
  }

  /** Leaves the order in `processing` until its next attempt; recovery queues it when the lease has run out. */
  private async putOff(order: Order, seconds: number): Promise<void> {
    await this.manager.query(
      `UPDATE orders SET lease_until = now() + $3 * interval '1 second'
       WHERE id = $1 AND status = 'processing' AND attempt = $2`,
      [order.id, order.attempt, seconds],
    );
  }

  /**
   * Cut off by a shutdown: nothing is wrong with the order, so the attempt does not count, and another worker may have it at
   * once. The oldest of all leases says so.
   */
  private async giveBack(order: Order): Promise<void> {
    await this.manager.query(
      `UPDATE orders SET lease_until = 'epoch' WHERE id = $1 AND status = 'processing' AND attempt = $2`,
      [order.id, order.attempt],
    );
  }
}
