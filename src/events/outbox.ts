import type { EntityManager } from 'typeorm';
import type { NewEvent } from './event-types';
import { OutboxEvent } from './outbox.entity';

/**
 * Announces an event in the transaction of `manager`: it is delivered at least once if that transaction commits, and
 * never otherwise.
 */
export async function publish(manager: EntityManager, event: NewEvent): Promise<void> {
  await manager.insert(OutboxEvent, event);
}
