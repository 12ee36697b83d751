import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../access/principal';
import { Config } from '../../config/config';
import { runPrepared } from '../../database/prepared-statement';
import { isLockTimeout, retrySerialization, violatedConstraint } from '../../errors/database-errors';
import type { OrderTopic } from '../../events/event-types';
import type { Idempotency } from '../../idempotency/idempotency';
import { newOrderNumber } from '../order-number';
import type { PlaceOrderRequest } from '../order-request.dto';
import type { OrderRow } from '../order-response.dto';
import { PLACE_ORDERS } from './place-orders.statement';

/** One order to be placed, as far as it is known without asking the database. */
export interface Placement {
  request: PlaceOrderRequest;
  /** The user whom the order is for. */
  buyer: number;
  actor: Principal;
  idempotency: Idempotency | undefined;
}

/** What became of a placement: `placed`, or why not. */
export interface Outcome {
  placed: OrderRow | null;
  outcome:
    | 'good'
    | 'key_in_use'
    | 'key_known'
    | 'user_missing'
    | 'product_missing'
    | 'product_inactive'
    | 'price_changed';
  /** What the order would have come to, in cents. */
  total_amount_cents: number | null;
  /** The products that it asked for and that exist. `position` is the line that named it first, from 1. */
  products: WantedProduct[] | null;
}

export interface WantedProduct {
  id: number;
  sku: string | null;
  name: string;
  active: boolean;
  /** null when stock is not tracked. */
  available: number | null;
  quantity: number;
  position: number;
}

interface Waiting {
  placement: Placement;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** Statements that run at the same time: while one waits for its commit, the other computes. */
const LANES = 2;

/** Milliseconds after which a statement is waiting for somebody's lock rather than working, and its lane is free again. */
const SLOW = 100;

/** Orders in one statement at most: it holds the rows of its products for as long as it runs. */
const BATCH = 32;

/**
 * What may not be violated by the same orders a moment later: the number of an order, which is drawn again, and the CHECK
 * on the stock. PostgreSQL holds a changed row to its CHECK first as it stood when the statement began, before it looks at
 * what became of it while it was locked: a piece that came back meanwhile (restocked, cancelled) is not seen yet.
 */
const PASSING = new Set(['orders_number', 'products_stock']);

const PLACED: OrderTopic = 'order.placed';

/** How often a statement is tried in all before such a violation is believed. */
const ATTEMPTS = 5;

/**
 * Lets placements that arrive together share one statement and one commit. Nothing waits for company: a placement goes
 * out at once while a lane is free, and what arrives meanwhile goes out together next. A batch that cannot be placed as
 * a whole is placed one by one, so each is still refused or accepted on its own.
 */
@Injectable()
export class PlacementBatches {
  private readonly waiting: Waiting[] = [];
  private running = 0;

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly config: Config,
  ) {}

  /** Places one order. Rejects with the database's error when the statement failed for it. */
  submit(placement: Placement): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ placement, resolve, reject });
      this.fillLanes();
    });
  }

  private fillLanes(): void {
    while (this.running < LANES && this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      const free = this.occupyLane();
      void this.settle(batch).finally(free);
    }
  }

  /** Returns what frees the lane; a lane whose statement is slow frees itself, so that it holds up nobody else. */
  private occupyLane(): () => void {
    this.running++;
    let occupied = true;
    const free = () => {
      clearTimeout(slow);
      if (!occupied) return;
      occupied = false;
      this.running--;
      this.fillLanes();
    };
    const slow = setTimeout(free, SLOW);
    return free;
  }

  /** Never rejects: every error goes to the placement that it belongs to. */
  private async settle(batch: Waiting[]): Promise<void> {
    const outcomes = await this.place(batch.map(({ placement }) => placement)).catch((error: unknown) => error);
    const alone = batch.length === 1;
    if (Array.isArray(outcomes) && (alone || outcomes.every(({ placed }) => placed))) {
      for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index]);
    } else if (Array.isArray(outcomes)) {
      await this.settleWithout(batch, outcomes);
    } else if (!alone && isLockTimeout(outcomes)) {
      // At once, because each may have to wait for that lock again; only those that need it will.
      await Promise.all(batch.map((one) => this.settle([one])));
    } else if (!alone && violatedConstraint(outcomes)) {
      await this.settleOneByOne(batch);
    } else {
      // A lost connection concerns all of them, and trying each again would only add to the trouble.
      for (const { reject } of batch) reject(outcomes);
    }
  }

  /**
   * Refuses what cannot be placed whatever becomes of the others, and tries these again together: a rush for a product that
   * is sold out costs one statement for all of them. If each could be placed but not all, whoever comes first is.
   */
  private async settleWithout(batch: Waiting[], outcomes: Outcome[]): Promise<void> {
    const rest = batch.filter(({ resolve }, index) => {
      const outcome = outcomes[index] as Outcome;
      const refused = isRefused(outcome);
      if (refused) resolve(outcome);
      return !refused;
    });
    if (rest.length === batch.length) await this.settleOneByOne(rest);
    else if (rest.length > 0) await this.settle(rest);
  }

  private async settleOneByOne(batch: Waiting[]): Promise<void> {
    for (const one of batch) await this.settle([one]);
  }

  /** One statement: all of these orders, or none of them. */
  private async place(placements: Placement[]): Promise<Outcome[]> {
    for (let attempt = 1; ; attempt++) {
      const values = [this.config.CURRENCY, ...requestColumns(placements), ...lineColumns(placements), PLACED];
      try {
        return await retrySerialization(() => runPrepared<Outcome>(this.manager, PLACE_ORDERS, values));
      } catch (error) {
        if (!PASSING.has(violatedConstraint(error) ?? '') || attempt === ATTEMPTS) throw error;
      }
    }
  }
}

/** Whether this order could not be placed alone either: its products were locked when this was found. */
const isRefused = ({ outcome, products }: Outcome): boolean => outcome !== 'good' || !!products?.some(isLacking);

/** Whether there is less of this product than one order asks for. */
export const isLacking = ({ available, quantity }: WantedProduct): boolean =>
  available !== null && available < quantity;

/** The arrays of `request` in the statement, column by column. */
function requestColumns(placements: Placement[]): unknown[][] {
  const each = (column: (placement: Placement) => unknown) => placements.map(column);
  return [
    each(({ buyer }) => buyer),
    each(newOrderNumber),
    each(({ request }) => request.address),
    each(({ request }) => request.note),
    each(({ request }) => JSON.stringify(request.metadata ?? {})),
    each(({ request }) => request.simulate_outcome),
    each(({ request }) => request.expected_total_cents),
    each(({ actor }) => actor.type),
    each(({ actor }) => actor.id),
    each(({ actor }) => actor.name),
    each(({ actor }) => actor.requestId),
    each(({ idempotency }) => idempotency?.caller),
    each(({ idempotency }) => idempotency?.key),
    each(({ idempotency }) => idempotency?.requestHash),
  ];
}

/** The arrays of `line`; the first one tells the order that a line belongs to, from 1. */
function lineColumns(placements: Placement[]): unknown[][] {
  const lines = placements.flatMap(({ request }, index) =>
    request.items.map((item) => ({ ...item, request: index + 1 })),
  );
  return [
    lines.map(({ request }) => request),
    lines.map(({ product_id }) => product_id),
    lines.map(({ sku }) => sku),
    lines.map(({ name }) => name),
    lines.map(({ unit_price_cents }) => unit_price_cents),
    lines.map(({ quantity }) => quantity),
  ];
}
