import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { isStaff, type Principal } from '../../access/principal';
import { Config } from '../../config/config';
import { failpoint } from '../../config/failpoint';
import { violatedConstraint } from '../../errors/database-errors';
import { DomainError, type FieldError, validationFailed } from '../../errors/domain-error';
import { deleteExpiredKey, findStoredResponse, type Idempotency } from '../../idempotency/idempotency';
import { EmailAddresses } from '../../users/email-addresses';
import type { OrderRow } from '../order-columns';
import type { OrderItemRequest, PlaceOrderRequest } from '../order-request.dto';
import { Batcher } from './batcher';
import { type Outcome, PlaceBatch, type Placement, productsOf, type WantedProduct } from './place-batch';

/** Places orders; those that arrive together share a statement and a commit. */
@Injectable()
export class PlacementService {
  private readonly batcher: Batcher<Placement, Outcome>;

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly config: Config,
    private readonly addresses: EmailAddresses,
  ) {
    this.batcher = new Batcher({
      run: new PlaceBatch(manager, config.CURRENCY).run,
      keysOf: productsOf,
      maxRunning: Math.max(3, Math.floor(config.DATABASE_POOL_SIZE / 2)),
    });
  }

  /**
   * Places the order wholly, or finds the response that was given to the same idempotency key before (`replayed`).
   * Errors: VALIDATION_FAILED, FORBIDDEN, EMAIL_NOT_CONFIRMED, PRODUCT_NOT_FOUND, USER_NOT_FOUND, PRODUCT_INACTIVE, INSUFFICIENT_STOCK,
   * PRICE_CHANGED, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED.
   */
  async run(
    request: PlaceOrderRequest,
    actor: Principal,
    idempotency?: Idempotency,
  ): Promise<{ order: OrderRow; replayed: boolean }> {
    await this.addresses.assertProved(actor);
    assertItems(request.items, actor);
    if (request.simulate_outcome && this.config.GATEWAY !== 'simulated') {
      throw validationFailed([{ field: 'simulate_outcome', message: 'is accepted by the simulated gateway only' }]);
    }
    const buyer = buyerOf(request, actor);
    const result = await this.attempt({ request, buyer, actor, idempotency });
    if (result?.placed) {
      failpoint('order-placed');
      return { order: result.placed, replayed: false };
    }
    // A key that is known by now decides, whatever the statement found: the stock may be gone because of its first use.
    const known = idempotency && (await findStoredResponse(this.manager, idempotency));
    if (known) return { order: known as OrderRow, replayed: true };
    if (result?.outcome === 'key_known' && idempotency && (await deleteExpiredKey(this.manager, idempotency))) {
      return this.run(request, actor, idempotency);
    }
    throw refusal(request, result);
  }

  /** undefined when another request with the same key was placed while this one ran. */
  private async attempt(placement: Placement): Promise<Outcome | undefined> {
    try {
      return await this.batcher.submit(placement);
    } catch (error) {
      if (violatedConstraint(error) === 'idempotency_keys_pkey') return undefined;
      throw error;
    }
  }
}

/** Whom the order is for. Errors: FORBIDDEN for a user who names somebody else, VALIDATION_FAILED for a client who names nobody. */
function buyerOf({ user_id }: PlaceOrderRequest, actor: Principal): number {
  const buyer = user_id ?? (actor.type === 'user' ? actor.id : null);
  if (buyer === null) throw validationFailed([{ field: 'user_id', message: 'must say whom the order is for' }]);
  if (buyer !== actor.id && !isStaff(actor)) {
    throw new DomainError('FORBIDDEN', 'You may place orders for yourself only: leave out user_id.');
  }
  return buyer;
}

/** An item names exactly one of product_id, sku, or (service, admin) name with unit_price_cents. */
function assertItems(items: OrderItemRequest[], actor: Principal): void {
  const errors: FieldError[] = [];
  for (const [index, { product_id, sku, name, unit_price_cents }] of items.entries()) {
    const named = [product_id, sku, name].filter((value) => value !== undefined).length;
    const field = `items.${index}`;
    if (named !== 1) errors.push({ field, message: 'must have exactly one of product_id, sku, name' });
    else if ((name === undefined) !== (unit_price_cents === undefined)) {
      errors.push({ field, message: 'name and unit_price_cents go together' });
    } else if (name !== undefined && !isStaff(actor)) {
      throw new DomainError(
        'FORBIDDEN',
        'Custom-priced items are for API clients and admins: name a product_id or sku.',
      );
    }
  }
  if (errors.length > 0) throw validationFailed(errors);
}

/** What the client is told when nothing was placed. */
function refusal(request: PlaceOrderRequest, result: Outcome | undefined): DomainError {
  const products = result?.products ?? [];
  switch (result?.outcome) {
    case 'user_missing':
      return new DomainError('USER_NOT_FOUND', 'There is no active user with this user_id.');
    case 'product_missing':
      return new DomainError('PRODUCT_NOT_FOUND', 'A product does not exist; see errors.', {
        errors: missing(request.items, products),
      });
    case 'product_inactive':
      return new DomainError('PRODUCT_INACTIVE', 'A product is not sold any more; see errors.', {
        errors: products.filter(({ active }) => !active).map((product) => fieldError(product, 'is not sold any more')),
      });
    case 'price_changed':
      return new DomainError('PRICE_CHANGED', `The order comes to ${result.total_amount_cents} cents now.`, {
        total_amount_cents: result.total_amount_cents,
      });
    case 'insufficient_stock':
      return new DomainError('INSUFFICIENT_STOCK', 'There is not enough stock; see errors.', {
        errors: products.filter(isLacking).map((product) => fieldError(product, `only ${product.available} available`)),
      });
    default:
      return new DomainError(
        'IDEMPOTENCY_KEY_IN_USE',
        'The first request with this Idempotency-Key is still running: try again shortly.',
      );
  }
}

const fieldError = ({ position, name }: WantedProduct, message: string): FieldError => ({
  field: `items.${position - 1}`,
  message: `${name}: ${message}`,
});

function missing(items: OrderItemRequest[], found: WantedProduct[]): FieldError[] {
  return items.flatMap(({ product_id, sku, name }, index) => {
    const known =
      name !== undefined ||
      found.some((product) => product.id === product_id || (sku !== undefined && product.sku === sku));
    return known
      ? []
      : [{ field: `items.${index}.${sku === undefined ? 'product_id' : 'sku'}`, message: 'does not exist' }];
  });
}

/** Whether there is less of this product than the order asks for. */
const isLacking = ({ available, quantity }: WantedProduct): boolean => available !== null && available < quantity;
