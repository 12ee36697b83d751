import { setTimeout } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { failpoint } from '../config/failpoint';
import { loggable } from '../errors/problem.filter';
import { BATCH_SIZE, takeBatch } from './event-log';
import { type DomainEvent, isTopic, type Topic } from './event-types';

/** Pause between two looks at an empty outbox, or at one that another process empties. */
const IDLE_POLL_INTERVAL_MS = 500;

/** Pause after a batch that emptied the outbox: more events are likely, and consumers of the feed wait for them. */
const BUSY_POLL_INTERVAL_MS = 100;

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
 * Moves the rows of the outbox into the event log and gives them to the consumers, in one of the processes at a time. Rows
 * leave the outbox in the transaction in which log and consumers write, so a process may die at any point: no event is lost
 * or consumed twice. Rows are never looked up by `id > last seen`, because the order of ids is not the order of commits.
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
      if (taken === BATCH_SIZE) continue;
      const pause = taken > 0 ? BUSY_POLL_INTERVAL_MS : IDLE_POLL_INTERVAL_MS;
      await setTimeout(pause, undefined, { signal }).catch(() => {});
    }
  }

  /** Moves one batch; returns how many events it took. */
  private relayBatch(): Promise<number> {
    return this.manager.transaction(async (manager) => {
      const events = await takeBatch(manager);
      for (const consumer of this.consumers) {
        const wanted = events.filter(({ topic }) => consumer.topics.includes(topic));
        if (wanted.length > 0) await consumer.consume(manager, wanted);
      }
      if (events.length > 0) failpoint('batch-relayed');
      return events.length;
    });
  }
}
