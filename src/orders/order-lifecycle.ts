import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { failpoint } from '../config/failpoint';
import { type PreparedQuery, runPrepared } from '../database/prepared-statement';
import { DomainError } from '../errors/domain-error';
import type { OrderTopic } from '../events/event-types';
import { moveStock, type StockLine } from '../stock/stock';
import { type OrderStatus, statesAfter, transition } from './order-status';

/**
 * Changes the status of one order if it still is `$2`, and writes history, outbox event and counters with it. `$5` and `$6`
 * narrow the guard further: to a version (If-Match) and to an attempt (the fence of a worker). Returns no row when any of
 * the three does not hold. `lines` is the stock that the order holds.
 */
export const CHANGE_STATUS: PreparedQuery = {
  name: 'change-status',
  text: `
    WITH changed AS (
      UPDATE orders SET
        status = $3::text, version = version + 1, updated_at = now(),
        attempt = CASE WHEN $3 = 'processing' THEN attempt + 1 ELSE attempt END,
        attempts_before_requeue = CASE WHEN $3 = 'pending' THEN attempt ELSE attempts_before_requeue END,
        processing_started_at =
          CASE $3 WHEN 'processing' THEN now() WHEN 'pending' THEN NULL ELSE processing_started_at END,
        completed_at = CASE WHEN $3 = 'completed' THEN now() END,
        failure_reason = CASE WHEN $3 = 'failed' THEN $7::text END,
        lease_until = CASE WHEN $3 = 'processing' THEN now() + $8 * interval '1 second' END
      WHERE id = $1 AND status = $2
        AND ($5::int IS NULL OR version = $5) AND ($6::int IS NULL OR attempt = $6)
      RETURNING id, number, user_id, version, attempt, attempts_before_requeue, total_quantity, total_amount_cents,
        processing_started_at
    ), history AS (
      INSERT INTO order_history
        (order_id, version, from_status, to_status, attempt, actor_type, actor_id, actor_name, reason, request_id)
      SELECT id, version, $2, $3, attempt, $9, $10, $11, $7, $12 FROM changed
    ), event AS (
      INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload)
      SELECT $4, 'order', id, version, json_build_object(
        'order_number', number, 'user_id', user_id, 'from_status', $2::text, 'to_status', $3::text, 'reason', $7::text,
        'actor', json_build_object('type', $9::text, 'id', $10::bigint))
      FROM changed
    ), counter AS (
      INSERT INTO order_counters (status, orders, total_quantity, total_amount_cents)
      SELECT $2, -1, -total_quantity, -total_amount_cents FROM changed
      UNION ALL SELECT $3, 1, total_quantity, total_amount_cents FROM changed
    )
    SELECT version, attempt, attempts_before_requeue AS cycle,
      extract(epoch FROM now() - processing_started_at)::float8 AS processing,
      (SELECT coalesce(json_agg(json_build_object('product_id', product_id, 'quantity', quantity)), '[]')
       FROM order_items WHERE order_id = changed.id AND stock_reserved) AS lines
    FROM changed`,
};

export interface StatusChange {
  orderId: number;
  from: OrderStatus;
  to: OrderStatus;
  reason?: string | null | undefined;
  /** Only if the order still has this version. */
  version?: number | undefined;
  /** Only if the order still is at this attempt: the fence of background processing. */
  attempt?: number | undefined;
  /** For a worker: seconds until another one may take the order over. */
  leaseSeconds?: number | undefined;
}

/** The order after a change of its status. */
export interface ChangedOrder {
  version: number;
  attempt: number;
  /** The attempts before the last requeue. */
  cycle: number;
  /** Seconds since processing began, all attempts of this cycle included; null if it has not. */
  processing: number | null;
  /** The stock that the order holds, or held until now. */
  lines: StockLine[];
}

/** The topic of the event that tells of an order in this status. */
const topicOf = (to: OrderStatus): OrderTopic => (to === 'pending' ? 'order.requeued' : `order.${to}`);

/** The only code that changes an order's status. */
@Injectable()
export class OrderLifecycle {
  constructor(@InjectEntityManager() private readonly manager: EntityManager) {}

  /**
   * Changes the status with stock, ledger, history and event, in one transaction. Returns null, and changes nothing, when
   * the order is no longer as the change expects it.
   * Errors: INVALID_TRANSITION when the table has no such change, INSUFFICIENT_STOCK when a requeued order cannot have its
   * stock back.
   */
  async change(change: StatusChange, actor: Principal, manager = this.manager): Promise<ChangedOrder | null> {
    const rule = transition(change.from, change.to);
    if (!rule) throw invalidTransition(change.from, change.to);
    if (!rule.stock) return this.update(manager, change, actor);
    const kind = rule.stock;
    return manager.transaction(async (inside) => {
      const changed = await this.update(inside, change, actor);
      if (changed) {
        const order = { id: change.orderId, cycle: changed.cycle };
        // Only a reservation can fail: what was reserved can always be released or shipped.
        if (!(await moveStock(inside, kind, changed.lines, order, actor))) throw outOfStock();
      }
      failpoint('change-committing');
      return changed;
    });
  }

  private async update(manager: EntityManager, change: StatusChange, actor: Principal): Promise<ChangedOrder | null> {
    const { orderId, from, to, version, attempt, reason, leaseSeconds } = change;
    const values = [orderId, from, to, topicOf(to), version, attempt, reason, leaseSeconds];
    const rows = await runPrepared<ChangedOrder>(manager, CHANGE_STATUS, [
      ...values,
      ...[actor.type, actor.id, actor.name, actor.requestId],
    ]);
    return rows[0] ?? null;
  }
}

const outOfStock = () =>
  new DomainError('INSUFFICIENT_STOCK', 'There is not enough stock to take up this order again.');

/** The refusal of a change that the table does not have, with the ones that it has. */
export function invalidTransition(from: OrderStatus, to: OrderStatus): DomainError {
  const allowed = statesAfter(from);
  return new DomainError(
    'INVALID_TRANSITION',
    allowed.length > 0
      ? `An order that is ${from} cannot become ${to}; it can become: ${allowed.join(', ')}.`
      : `An order that is ${from} cannot change any more.`,
    { allowed_transitions: allowed },
  );
}
