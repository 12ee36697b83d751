import { setTimeout } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { failpoint } from '../config/failpoint';
import { loggable } from '../errors/problem.filter';
import { Queue } from '../queue/queue';
import type { OutboxEvent } from './outbox.entity';

/** Events that one transaction takes: enough to keep up with any number of writers, few enough to commit at once. */
const BATCH = 500;

/** Milliseconds between two looks at an empty outbox. */
const POLL = 500;

/** What a job carries about an event. */
export interface OutboxMessage {
  /** The same in every delivery of this event, and of no other: `order-7-3`, or `event-12` where there is no order. */
  id: string;
  topic: string;
  order_id: number | null;
  payload: Record<string, unknown>;
}

/**
 * Turns the rows of the outbox into jobs, in any number of processes at once. Rows and jobs change places in one
 * transaction, so that a process may die anywhere: an event is either still in the outbox or already in the queue.
 * Rows are never looked for by `id > last seen`, because the order of ids is not the order of commits.
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('relay');
  private readonly routes: { topics: ReadonlySet<string>; queue: string }[] = [];
  private readonly stopping = new AbortController();
  private running = Promise.resolve();

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly queue: Queue,
    private readonly config: Config,
  ) {}

  /**
   * Has every event of these topics queued as a {@link OutboxMessage}. To be called from a constructor, because from the
   * start-up's end on an event that nobody has asked for is dropped.
   */
  route(topics: Iterable<string>, queue: string): void {
    this.routes.push({ topics: new Set(topics), queue });
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
      if (taken < BATCH) await setTimeout(POLL, undefined, { signal }).catch(() => {});
    }
  }

  /** Moves one batch; returns how many events it took. */
  private relayBatch(): Promise<number> {
    return this.manager.transaction(async (manager) => {
      // Materialised, because a subquery of the DELETE could be run again and then lock more than the limit.
      const [rows]: [OutboxEvent[], number] = await manager.query(
        `WITH taken AS MATERIALIZED (SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         DELETE FROM outbox USING taken WHERE outbox.id = taken.id
         RETURNING outbox.id, topic, order_id, sequence, payload`,
        [BATCH],
      );
      const events = rows.sort((a, b) => a.id - b.id).map(toRelayedEvent);
      for (const { topics, queue } of this.routes) {
        const wanted = events.filter(({ topic }) => topics.has(topic));
        const jobs = wanted.map((event) => ({ key: event.id, data: event }));
        if (jobs.length > 0) await this.queue.addOnce(manager, queue, jobs);
      }
      if (rows.length > 0) failpoint('batch-relayed');
      return rows.length;
    });
  }
}

function toRelayedEvent({ id, topic, order_id, sequence, payload }: OutboxEvent): OutboxMessage {
  return { id: order_id === null ? `event-${id}` : `order-${order_id}-${sequence}`, topic, order_id, payload };
}
