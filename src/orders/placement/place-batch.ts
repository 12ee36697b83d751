import type { EntityManager } from 'typeorm';
import type { Principal } from '../../access/principal';
import { runPrepared } from '../../database/prepared-statement';
import { isDataError, isLockTimeout, retrySerialization, violatedConstraint } from '../../errors/database-errors';
import type { OrderTopic } from '../../events/event-types';
import type { Idempotency } from '../../idempotency/idempotency';
import type { OrderRow } from '../order-columns';
import { newOrderNumber } from '../order-number';
import type { PlaceOrderRequest } from '../order-request.dto';
import type { Submission } from './batcher';
import { type LineParameters, type OrderParameters, PLACE_ORDERS } from './place-orders.statement';

/** One order to be placed, as far as it is known without asking the database. */
export interface Placement {
  request: PlaceOrderRequest;
  /** The id of the customer. */
  buyer: number;
  actor: Principal;
  idempotency: Idempotency | undefined;
}

/** What became of a placement: `placed`, or why not. */
export interface Outcome {
  placed: OrderRow | null;
  /** `acceptable`: it was placed, or would have been without the rest of its batch. */
  outcome:
    | 'acceptable'
    | 'key_in_use'
    | 'key_known'
    | 'user_missing'
    | 'product_missing'
    | 'product_inactive'
    | 'price_changed'
    | 'insufficient_stock';
  /** What the order would have come to, in cents. */
  total_amount_cents: number | null;
  /** The products that it names and that exist. */
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
  /** The line of the order that named it first, from 1. */
  position: number;
}

/** The products that an order locks, as it names them. */
export const productsOf = ({ request }: Placement): string[] =>
  request.items.flatMap(({ product_id, sku }) =>
    (product_id ?? sku) === undefined ? [] : [String(product_id ?? sku)],
  );

type Batch = Submission<Placement, Outcome>[];

/**
 * Violations that the next try of the same orders may not meet: an order number that is taken, which is drawn again, and
 * the CHECK on the stock. PostgreSQL first compares a changed row with its CHECK as it was when the statement began, before
 * it looks at what happened to it while it was locked: a piece that came back meanwhile is not seen yet.
 */
const RETRIED_CONSTRAINTS = new Set(['orders_number', 'products_stock']);

/** How often a statement is run in all before such a violation is final. */
const MAX_ATTEMPTS = 5;

/** Parts of a batch that are tried again at the same time after a lock timeout. */
const MAX_RETRIES_AT_ONCE = 3;

const TOPIC: OrderTopic = 'order.placed';

/**
 * Places a batch and settles each of its submissions; never rejects. A batch that cannot be placed as a whole is placed in
 * smaller ones, so that each order is accepted or refused on its own.
 */
export class PlaceBatch {
  constructor(
    private readonly manager: EntityManager,
    private readonly currency: string,
  ) {}

  run = async (batch: Batch): Promise<void> => {
    const outcomes = await this.place(batch.map(({ item }) => item)).catch((error: unknown) => error);
    const alone = batch.length === 1;
    if (Array.isArray(outcomes) && (alone || outcomes.every(({ placed }) => placed))) {
      for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index]);
    } else if (Array.isArray(outcomes)) {
      await this.runWithoutRefused(batch, outcomes);
    } else if (!alone && isLockTimeout(outcomes)) {
      await this.runByProducts(batch, outcomes);
    } else if (!alone && isDataError(outcomes)) {
      await this.runOneByOne(batch);
    } else {
      // A lost connection concerns all of them, and trying each again would only add load.
      for (const { reject } of batch) reject(outcomes);
    }
  };

  /**
   * Refuses what cannot be placed whatever becomes of the others, and tries the others again together: a rush for a product
   * that is sold out costs one statement for all of them. If each could be placed but not all, the first ones are.
   */
  private async runWithoutRefused(batch: Batch, outcomes: Outcome[]): Promise<void> {
    const rest = batch.filter(({ resolve }, index) => {
      const outcome = outcomes[index] as Outcome;
      const refused = outcome.outcome !== 'acceptable';
      if (refused) resolve(outcome);
      return !refused;
    });
    if (rest.length === batch.length) await this.runOneByOne(rest);
    else if (rest.length > 0) await this.run(rest);
  }

  /**
   * Tries orders of different products by themselves, because only some of them need the lock that was not to be had; a few at a
   * time, because each attempt may wait for it on a connection of its own. Orders of the same products have waited enough.
   */
  private async runByProducts(batch: Batch, lockTimeout: unknown): Promise<void> {
    const groups = [...Map.groupBy(batch, ({ item }) => productsOf(item).toSorted().join()).values()];
    if (groups.length === 1) for (const { reject } of batch) reject(lockTimeout);
    else {
      const next = groups.values();
      const runRest = async () => {
        for (const group of next) await this.run(group);
      };
      await Promise.all(Array.from({ length: MAX_RETRIES_AT_ONCE }, runRest));
    }
  }

  private async runOneByOne(batch: Batch): Promise<void> {
    for (const one of batch) await this.run([one]);
  }

  /** One statement: all of these orders, or none of them. */
  private async place(placements: Placement[]): Promise<Outcome[]> {
    for (let attempt = 1; ; attempt++) {
      const parameters = [JSON.stringify(placements.map(orderParameters)), JSON.stringify(lineParameters(placements))];
      const values = [this.currency, TOPIC, ...parameters];
      try {
        return await retrySerialization(() => runPrepared<Outcome>(this.manager, PLACE_ORDERS, values));
      } catch (error) {
        if (!RETRIED_CONSTRAINTS.has(violatedConstraint(error) ?? '') || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }
}

function orderParameters({ request, buyer, actor, idempotency }: Placement, index: number): OrderParameters {
  return {
    request: index + 1,
    user_id: buyer,
    number: newOrderNumber(),
    address: request.address,
    note: request.note,
    metadata: request.metadata ?? {},
    simulate_outcome: request.simulate_outcome,
    expected_total_cents: request.expected_total_cents,
    actor_type: actor.type,
    actor_id: actor.id,
    actor_name: actor.name,
    request_id: actor.requestId,
    caller: idempotency?.caller,
    key: idempotency?.key,
    request_hash: idempotency?.requestHash,
  };
}

function lineParameters(placements: Placement[]): LineParameters[] {
  return placements.flatMap(({ request }, index) =>
    request.items.map((item, line) => ({ ...item, request: index + 1, position: line + 1 })),
  );
}
