import type { TestApp } from './app';

/** What the service must know after the same commands, in its simplest form: no SQL, no time, nothing at once. */
export class ShopModel {
  readonly customers: Awaited<ReturnType<TestApp['newUser']>>[] = [];
  readonly products: ModelProduct[] = [];
  readonly orders: ModelOrder[] = [];
  /** Ids of orders that wait in the queue. */
  readonly waiting = new Set<number>();

  /** Reserves the lines and returns the order, which then needs an id; undefined if there is not enough. */
  place(customer: number, wanted: Line[], outcome: Outcome): ModelOrder | undefined {
    const lines = merged(wanted);
    if (lines.some(({ product, quantity }) => product.onHand - product.reserved < quantity)) return undefined;
    for (const { product, quantity } of lines) product.reserved += quantity;
    const total = lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
    const order: ModelOrder = {
      ...{ id: 0, customer, lines, total, outcome },
      ...{ status: 'pending', version: 1, attempt: 0, attemptsBefore: 0, leased: false, expired: false },
      events: [{ version: 1, topic: 'order.placed', status: 'pending' }],
    };
    this.orders.push(order);
    return order;
  }

  /** Changes the status with all that follows; returns the code of the refusal if there is one. */
  change(order: ModelOrder, to: Status): 'INVALID_TRANSITION' | 'INSUFFICIENT_STOCK' | undefined {
    if (!NEXT[order.status].includes(to)) return 'INVALID_TRANSITION';
    const { lines } = order;
    if (to === 'pending' && lines.some(({ product, quantity }) => product.onHand - product.reserved < quantity))
      return 'INSUFFICIENT_STOCK';
    for (const { product, quantity } of lines) {
      if (to === 'pending') product.reserved += quantity;
      if (to === 'completed') product.onHand -= quantity;
      if (to === 'completed' || to === 'failed' || to === 'cancelled') product.reserved -= quantity;
    }
    if (to === 'pending') order.attemptsBefore = order.attempt;
    if (to === 'processing') order.attempt += 1;
    const topic = to === 'pending' ? 'order.requeued' : `order.${to}`;
    order.status = to;
    order.version += 1;
    order.leased = false;
    order.expired = false;
    order.events.push({ version: order.version, topic, status: to });
    return undefined;
  }

  /** A worker takes the order, or takes it over; false if it is not to be had. */
  claim(order: ModelOrder): boolean {
    if (order.status === 'pending' || order.status === 'paid') this.change(order, 'processing');
    else if (order.expired) order.attempt += 1;
    else return false;
    order.leased = true;
    order.expired = false;
    return true;
  }

  /** The gateway's answer to an attempt: it counts unless somebody else has done something with the order since. */
  settle(order: ModelOrder, attempt: number, outcome: Outcome): void {
    if (order.status !== 'processing' || order.attempt !== attempt) return;
    this.change(order, outcome === 'success' ? 'completed' : 'failed');
  }
}

export const MAX_ATTEMPTS = 2;

export const STATUSES = ['pending', 'paid', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];
export type Outcome = 'success' | 'failure';

export interface ModelProduct {
  id: number;
  price: number;
  onHand: number;
  reserved: number;
}

export interface Line {
  product: ModelProduct;
  quantity: number;
}

export interface ModelOrder {
  id: number;
  /** Whose it is: an index. */
  customer: number;
  lines: Line[];
  total: number;
  /** What the gateway will say. */
  outcome: Outcome;
  status: Status;
  version: number;
  attempt: number;
  /** Attempts before it was last requeued: they do not count any more. */
  attemptsBefore: number;
  /** A worker has it, or had it and is dead; and whether that worker's time is up. */
  leased: boolean;
  expired: boolean;
  events: { version: number; topic: string; status: Status }[];
}

/** Written down again on purpose: the service's own table may be wrong. */
const NEXT: Record<Status, Status[]> = {
  pending: ['paid', 'processing', 'cancelled'],
  paid: ['processing', 'cancelled'],
  processing: ['completed', 'failed'],
  failed: ['pending'],
  completed: [],
  cancelled: [],
};

function merged(lines: Line[]): Line[] {
  const products = [...new Set(lines.map(({ product }) => product))];
  return products.map((product) => ({
    product,
    quantity: lines.filter((line) => line.product === product).reduce((sum, { quantity }) => sum + quantity, 0),
  }));
}
