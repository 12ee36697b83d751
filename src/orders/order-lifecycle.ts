import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { failpoint } from '../config/failpoint';
import { type PreparedQuery, runPrepared } from '../database/prepared-statement';
import { DomainError } from '../errors/domain-error';
import type { OrderTopic } from '../events/event-types';
import { moveStock } from '../stock/stock';
import { type OrderStatus, type StockEffect, statesAfter, transition } from './order-status';

/**
 * Changes the status of one order if it still is what the caller saw, and writes the history row and the outbox event of
 * that change with it, and moves the order from one tally to the other. `$5` and `$6` narrow the guard further: to a version (If-Match) and to an attempt (a worker's
 * fence). No row comes back when any of the three does not hold any more.
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
      RETURNING id, version, attempt, attempts_before_requeue, total_quantity, total_amount_cents, processing_started_at
    ), history AS (
      INSERT INTO order_history
        (order_id, version, from_status, to_status, attempt, actor_type, actor_id, actor_name, reason, request_id)
      SELECT id, version, $2, $3, attempt, $9, $10, $11, $7, $12 FROM changed
    ), event AS (
      INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload)
      SELECT $4, 'order', id, version, json_build_object('from', $2::text, 'reason', $7::text) FROM changed
    ), tally AS (
      INSERT INTO order_tallies (status, orders, total_quantity, total_amount_cents)
      SELECT $2, -1, -total_quantity, -total_amount_cents FROM changed
      UNION ALL SELECT $3, 1, total_quantity, total_amount_cents FROM changed
    )
    SELECT version, attempt, attempts_before_requeue AS cycle,
      extract(epoch FROM now() - processing_started_at)::float8 AS processing
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

/** The only code that changes an order's status. */
@Injectable()
export class OrderLifecycle {
  constructor(@InjectEntityManager() private readonly manager: EntityManager) {}

  /**
   * Makes the change with everything that belongs to it (stock, ledger, history, event), in one transaction. Returns what
   * the order is at now, or null when it was changed meanwhile and nothing was done.
   * Errors: INVALID_TRANSITION when the table has no such change, INSUFFICIENT_STOCK when a requeued order cannot
   * have its stock back.
   */
  async change(change: StatusChange, actor: Principal, manager = this.manager): Promise<Changed | null> {
    const rule = transition(change.from, change.to);
    if (!rule) throw invalidTransition(change.from, change.to);
    if (!rule.stock) return this.update(manager, change, actor);
    const stock = rule.stock;
    return manager.transaction(async (inside) => {
      const changed = await this.update(inside, change, actor);
      if (changed) await this.move(inside, stock, change.orderId, changed.cycle, actor);
      failpoint('change-committing');
      return changed;
    });
  }

  private async update(manager: EntityManager, change: StatusChange, actor: Principal): Promise<Changed | null> {
    const { orderId, from, to, version, attempt, reason, leaseSeconds } = change;
    const topic: OrderTopic = to === 'pending' ? 'order.requeued' : `order.${to}`;
    const values = [orderId, from, to, topic, version, attempt, reason, leaseSeconds];
    const rows = await runPrepared<Changed>(manager, CHANGE_STATUS, [
      ...values,
      ...[actor.type, actor.id, actor.name, actor.requestId],
    ]);
    return rows[0] ?? null;
  }

  private async move(
    manager: EntityManager,
    kind: NonNullable<StockEffect>,
    id: number,
    cycle: number,
    actor: Principal,
  ): Promise<void> {
    if (await moveStock(manager, kind, { id, cycle }, actor)) return;
    // Only a reservation can fail: what was reserved can always be released or shipped.
    throw new DomainError('INSUFFICIENT_STOCK', 'There is not enough stock to take up this order again.');
  }
}

export interface Changed {
  version: number;
  attempt: number;
  /** The attempts before the last requeue. */
  cycle: number;
  /** Seconds since processing began, all attempts of this cycle included; null if it has not. */
  processing: number | null;
}

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
