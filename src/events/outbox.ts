import type { EntityManager } from 'typeorm';
import { OutboxEvent } from './outbox.entity';

/** Something that happened and that others are to hear of. */
export interface NewEvent {
  /** Such as `order.placed`: the noun, and what happened to it. */
  topic: string;
  /** For events of an order: its id, and its version after the change. */
  order_id?: number;
  sequence?: number;
  /** What a consumer cannot read from the tables. */
  payload?: object;
}

/**
 * Announces an event in the transaction of `manager`: it is delivered at least once if that transaction commits, and
 * never otherwise.
 */
export async function publish(manager: EntityManager, event: NewEvent): Promise<void> {
  await manager.insert(OutboxEvent, { payload: {}, ...event });
}
