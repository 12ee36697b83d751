import { setTimeout } from 'node:timers/promises';
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
import { type FulfillmentCall, FulfillmentGateway, type FulfillmentOutcome } from './fulfillment-gateway';

/**
 * Seconds for which a worker has an order to itself. Longer than a gateway call may take (30 s), so it needs no renewal;
 * short enough that lease, recovery interval and poll together stay below the 75 s within which a killed worker's orders
 * are taken over.
 */
export const LEASE_SECONDS = 45;

/** Seconds at most for which an order is left alone that has used up its attempts and takes its worker down each time. */
const MAX_LEASE_SECONDS = 3_600;

/** Milliseconds between the tries to store an outcome that is known. */
const SETTLE_RETRY_DELAYS_MS = [200, 500, 1_000, 2_000, 4_000];

/** Seconds before the next attempt: 5, 10, 20 … at most 300, with up to as much again so that retries spread out. */
export function backoffSeconds(attempt: number, random = Math.random()): number {
  return Math.min(5 * 2 ** (attempt - 1), 300) * (1 + random);
}

/**
 * Takes one order through `processing`: claim, gateway, settle. Each of the two database steps is a transaction of its
 * own; the gateway is called between them. The attempt number that the claim raised is the fence of everything after it: a
 * worker that was stalled or cut off meanwhile changes nothing any more.
 *
 * Only errors of the gateway call lead to another attempt or to failure. An outcome that is known is stored again and again,
 * and then left to the takeover, which asks the gateway with the same key: no order fails without the word of the gateway,
 * or its silence at every attempt.
 */
@Injectable()
export class OrderProcessor {
  private readonly logger = new Logger('processing');

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly lifecycle: OrderLifecycle,
    private readonly gateway: FulfillmentGateway,
    private readonly config: Config,
    private readonly metrics: ProcessMetrics,
  ) {}

  /**
   * Processes the order if it is due; does nothing when another worker has it or it was cancelled. Rejects with errors of
   * the database; the order then waits for the end of its lease.
   */
  async process(orderId: number, signal: AbortSignal): Promise<void> {
    const order = await retrySerialization(() => this.claim(orderId));
    if (!order) return;
    failpoint('order-claimed');
    const call = await this.gateway.prepare(order);
    const outcome = await this.ask(order, call, signal);
    if (outcome) await this.settle(order, outcome, signal);
  }

  /** Takes the order for this worker and raises its attempt; null if it is not to be had. */
  private async claim(id: number): Promise<Order | null> {
    const order = await this.manager.findOneBy(Order, { id });
    if (order?.status === 'pending' || order?.status === 'paid') {
      const wanted = { orderId: id, from: order.status, to: 'processing', leaseSeconds: LEASE_SECONDS } as const;
      const claimed = await this.lifecycle.change(wanted, SYSTEM);
      // What was read may be a requeue behind by now: the claim knows which attempts count.
      return claimed && { ...order, attempt: claimed.attempt, attempts_before_requeue: claimed.cycle };
    }
    return order?.status === 'processing' ? this.takeOver(order) : null;
  }

  /**
   * Takes an order from a worker whose lease has run out: that worker's attempt number is stale from here on. A released
   * order (`lease_until = 'epoch'`) goes on at the attempt at which it was released.
   */
  private async takeOver(order: Order): Promise<Order | null> {
    const [rows] = await this.manager.query(
      `UPDATE orders SET attempt = attempt + (lease_until > 'epoch')::int, lease_until = now() + $2 * interval '1 second'
       WHERE id = $1 AND status = 'processing' AND lease_until <= now()
       RETURNING attempt, attempts_before_requeue`,
      [order.id, this.leaseSeconds(order)],
    );
    return rows[0] ? { ...order, ...rows[0] } : null;
  }

  /** Longer and longer for an order whose workers die beyond its last attempt: it must not take down one a minute. */
  private leaseSeconds(order: Order): number {
    const excess = attemptsOf(order) + 1 - this.config.PROCESSING_MAX_ATTEMPTS;
    return Math.min(LEASE_SECONDS * 2 ** Math.max(0, excess), MAX_LEASE_SECONDS);
  }

  /** What the gateway decides; null when it is to be asked again later. Its silence at the last attempt is a failure. */
  private async ask(order: Order, call: FulfillmentCall, signal: AbortSignal): Promise<FulfillmentOutcome | null> {
    try {
      const outcome = await call(signal);
      failpoint('gateway-answered');
      return outcome;
    } catch (error) {
      if (signal.aborted) {
        await this.release(order);
        return null;
      }
      this.logger.warn({ order_id: order.id, attempt: order.attempt, err: loggable(error) }, 'attempt failed');
      const used = attemptsOf(order);
      if (used >= this.config.PROCESSING_MAX_ATTEMPTS) {
        return { outcome: 'failure', reason: `Processing failed ${used} times.` };
      }
      await this.putOff(order, backoffSeconds(used));
      return null;
    }
  }

  /** Stores the outcome; tries again while the database cannot, and then leaves the order to the takeover. */
  private async settle(order: Order, outcome: FulfillmentOutcome, signal: AbortSignal): Promise<void> {
    for (const delay of [...SETTLE_RETRY_DELAYS_MS, null]) {
      try {
        return await this.store(order, outcome);
      } catch (error) {
        const context = { order_id: order.id, attempt: order.attempt, outcome: outcome.outcome, err: loggable(error) };
        this.logger.warn(context, delay === null ? 'outcome left to the takeover' : 'outcome not stored, trying again');
        if (signal.aborted) return this.release(order);
        if (delay !== null) await setTimeout(delay, undefined, { signal }).catch(() => {});
      }
    }
  }

  private async store(order: Order, result: FulfillmentOutcome): Promise<void> {
    const change = {
      orderId: order.id,
      from: 'processing',
      to: result.outcome === 'success' ? 'completed' : 'failed',
      reason: result.outcome === 'failure' ? result.reason : null,
      attempt: order.attempt,
    } as const;
    const settled = await retrySerialization(() => this.lifecycle.change(change, SYSTEM));
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
   * Releases an order at a shutdown: the attempt does not count, and another worker may have the order at once.
   * `lease_until = 'epoch'` marks it.
   */
  private async release(order: Order): Promise<void> {
    await this.manager.query(
      `UPDATE orders SET lease_until = 'epoch' WHERE id = $1 AND status = 'processing' AND attempt = $2`,
      [order.id, order.attempt],
    );
  }
}

/** Attempts since the order was placed or last requeued. */
const attemptsOf = ({ attempt, attempts_before_requeue }: Order): number => attempt - attempts_before_requeue;
