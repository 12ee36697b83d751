import type { Principal, Role } from '../access/principal';

/** The states an order can be in. */
export const ORDER_STATUSES = ['pending', 'paid', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** What a transition does to the stock of the order's tracked products. */
export type StockEffect = 'reserve' | 'release' | 'ship' | null;

export interface Transition {
  from: OrderStatus;
  to: OrderStatus;
  /** The word a client sees in `available_actions`. */
  action: string;
  /** Who may ask for it. A `user` only ever reaches orders of their own. */
  roles: readonly Role[];
  stock: StockEffect;
}

const EVERYBODY = ['user', 'service', 'admin'] as const;
const STAFF = ['service', 'admin'] as const;

/**
 * The life of an order. The SQL guard, `available_actions`, the diagram in the documentation and the tests all come from
 * this table; a change that is not in it is refused with INVALID_TRANSITION.
 */
export const TRANSITIONS: readonly Transition[] = [
  { from: 'pending', to: 'paid', action: 'pay', roles: STAFF, stock: null },
  { from: 'pending', to: 'processing', action: 'process', roles: STAFF, stock: null },
  { from: 'paid', to: 'processing', action: 'process', roles: STAFF, stock: null },
  { from: 'processing', to: 'completed', action: 'complete', roles: STAFF, stock: 'ship' },
  { from: 'processing', to: 'failed', action: 'fail', roles: STAFF, stock: 'release' },
  { from: 'failed', to: 'pending', action: 'requeue', roles: ['admin'], stock: 'reserve' },
  { from: 'pending', to: 'cancelled', action: 'cancel', roles: EVERYBODY, stock: 'release' },
  { from: 'paid', to: 'cancelled', action: 'cancel', roles: EVERYBODY, stock: 'release' },
];

/** The transition between two states, if there is one. */
export function transition(from: OrderStatus, to: OrderStatus): Transition | undefined {
  return TRANSITIONS.find((candidate) => candidate.from === from && candidate.to === to);
}

/** The states an order can go to next, for any caller. */
export function statesAfter(from: OrderStatus): OrderStatus[] {
  return TRANSITIONS.filter((candidate) => candidate.from === from).map(({ to }) => to);
}

/** What this caller may do with an order in this state: the actions of the table, and `edit` while it is pending. */
export function availableActions(status: OrderStatus, { role }: Pick<Principal, 'role'>): string[] {
  const actions = TRANSITIONS.filter(({ from, roles }) => from === status && roles.includes(role)).map(
    ({ action }) => action,
  );
  return status === 'pending' ? [...actions, 'edit'] : actions;
}
