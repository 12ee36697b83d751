import { setTimeout } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { failpoint } from '../config/failpoint';
import { loggable } from '../errors/problem.filter';
import { type DomainEvent, isTopic, type Topic } from './event-types';
import type { OutboxEvent } from './outbox.entity';

/** Events that one transaction takes: enough to keep up with any number of writers, few enough to commit at once. */
const BATCH_SIZE = 500;

/** Pause between two looks at an empty outbox. */
const POLL_INTERVAL_MS = 500;

/** Hears of the events of some topics. Registers itself with {@link OutboxRelay.register} in its constructor. */
export interface EventConsumer {
  /** The events it hears of. */
  readonly topics: readonly Topic[];
  /**
   * Takes events, oldest first, in the relay's transaction, which is the one of `manager`: what it writes there is
   * written exactly once for each event. When it throws, the whole batch is given out again later.
   */
  consume(manager: EntityManager, events: DomainEvent[]): Promise<void>;
}

/**
 * Gives the rows of the outbox to the consumers, in any number of processes at once. Rows leave the outbox in the
 * transaction in which consumers write, so a process may die at any point: no event is lost or consumed twice.
 * Rows are never looked up by `id > last seen`, because the order of ids is not the order of commits.
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('relay');
  private readonly consumers: EventConsumer[] = [];
  private readonly stopping = new AbortController();
  private running = Promise.resolve();

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly config: Config,
  ) {}

  /**
   * Gives every event of the consumer's topics to it. To be called from a constructor, because from the end of the
   * start-up on an event without a consumer is dropped. Errors: a topic that does not exist.
   */
  register(consumer: EventConsumer): void {
    const unknown = consumer.topics.filter((topic) => !isTopic(topic));
    if (unknown.length > 0) {
      throw new Error(`${consumer.constructor.name} registers for events that do not exist: ${unknown.join(', ')}`);
    }
    this.consumers.push(consumer);
  }

  onApplicationBootstrap(): void {
    if (this.config.SERVICE_ROLE !== 'api') this.running = this.run();
  }

  /** Lets the batch under way commit. What is left in the outbox waits for another process, or for the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const taken = await this.relayBatch().catch((error) => {
        this.logger.warn({ err: loggable(error) }, 'relay failed, and tries again');
        return 0;
      });
      if (taken < BATCH_SIZE) await setTimeout(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Moves one batch; returns how many events it took. */
  private relayBatch(): Promise<number> {
    return this.manager.transaction(async (manager) => {
      // Materialised, because a subquery of the DELETE could be run again and then lock more than the limit.
      const [rows]: [OutboxEvent[], number] = await manager.query(
        `WITH taken AS MATERIALIZED (SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         DELETE FROM outbox USING taken WHERE outbox.id = taken.id
         RETURNING outbox.*`,
        [BATCH_SIZE],
      );
      const events = rows.sort((a, b) => a.id - b.id).map(toDomainEvent);
      for (const consumer of this.consumers) {
        const wanted = events.filter(({ topic }) => consumer.topics.includes(topic));
        if (wanted.length > 0) await consumer.consume(manager, wanted);
      }
      if (rows.length > 0) failpoint('batch-relayed');
      return rows.length;
    });
  }
}

function toDomainEvent({ id: _, occurred_at, ...event }: OutboxEvent): DomainEvent {
  // Written by `publish` or by SQL that gets its topic from event-types.ts.
  return { ...event, occurred_at: occurred_at.toISOString() } as DomainEvent;
}
