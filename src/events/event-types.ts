/** For an event that says all by its topic: what a consumer needs beyond that it reads from the tables. */
type NoPayload = Record<string, never>;

/** What every event of an order carries: a consumer cannot read it later, because the order goes on. */
export interface OrderPayload {
  order_number: string;
  /** The customer. */
  user_id: number;
  /** null for the placing; the same as `to_status` for an edit. */
  from_status: string | null;
  to_status: string;
  /** The reason that was given for the change. */
  reason: string | null;
  /** Who made the change; `id` is null for the service itself. */
  actor: { type: 'user' | 'client' | 'system'; id: number | null };
}

/** Payloads of the events of an order. `aggregate_id` is its id, `sequence` its version after the change: without gaps. */
interface OrderPayloads {
  'order.placed': OrderPayload;
  'order.edited': OrderPayload;
  'order.paid': OrderPayload;
  'order.processing': OrderPayload;
  'order.completed': OrderPayload;
  'order.failed': OrderPayload;
  'order.requeued': OrderPayload;
  'order.cancelled': OrderPayload;
}

/** Payloads of the events of a user. `aggregate_id` is the user's id; they have no sequence. */
interface UserPayloads {
  /** `token` resets the password: it is a secret, and goes into the mail only. */
  'user.password_reset': { token: string };
  'user.password_changed': NoPayload;
  /** `token` proves `email`: it is a secret, and goes into the mail to that address only. */
  'user.email_confirmation': { token: string; email: string };
  /** `email` is the old address, which is told; `proved` whether its owner had confirmed it. */
  'user.email_changed': { email: string; proved: boolean };
}

export type OrderTopic = keyof OrderPayloads;
export type UserTopic = keyof UserPayloads;
export type Topic = OrderTopic | UserTopic;

/** What a transaction announces: the noun that changed, and what happened to it. */
interface Announcement<Aggregate extends string, TopicName extends string, Payload, Sequence> {
  topic: TopicName;
  aggregate_type: Aggregate;
  aggregate_id: number;
  sequence: Sequence;
  payload: Payload;
}

export type NewOrderEvent = { [T in OrderTopic]: Announcement<'order', T, OrderPayloads[T], number> }[OrderTopic];
export type NewUserEvent = { [T in UserTopic]: Announcement<'user', T, UserPayloads[T], null> }[UserTopic];
/** An event to be published. */
export type NewEvent = NewOrderEvent | NewUserEvent;

/** What the outbox adds to an event. */
interface Stored {
  /** A random UUID: the same in every delivery of this event, and of no other, also after a restore of the database. */
  event_id: string;
  /** ISO 8601, in UTC. */
  occurred_at: string;
  /** The position in the event log; null for an event that is not public. */
  position: number | null;
}

export type OrderEvent = NewOrderEvent & Stored;
export type UserEvent = NewUserEvent & Stored;
/** An event as consumers get it; `topic` tells the type of its payload. */
export type DomainEvent = OrderEvent | UserEvent;

/** Every topic with the noun it is about. The compiler holds this list to the payloads above. */
const AGGREGATES: Record<OrderTopic, 'order'> & Record<UserTopic, 'user'> = {
  'order.placed': 'order',
  'order.edited': 'order',
  'order.paid': 'order',
  'order.processing': 'order',
  'order.completed': 'order',
  'order.failed': 'order',
  'order.requeued': 'order',
  'order.cancelled': 'order',
  'user.password_reset': 'user',
  'user.password_changed': 'user',
  'user.email_confirmation': 'user',
  'user.email_changed': 'user',
};

/** True for the topics of this version of the service. */
export function isTopic(text: string): text is Topic {
  return Object.hasOwn(AGGREGATES, text);
}

/**
 * The topics that enter the event log, and from there reach the feed and webhooks. An event that is not listed stays inside:
 * those of users may hold secrets.
 */
export const PUBLIC_TOPICS: readonly OrderTopic[] = [
  'order.placed',
  'order.edited',
  'order.paid',
  'order.processing',
  'order.completed',
  'order.failed',
  'order.requeued',
  'order.cancelled',
];
