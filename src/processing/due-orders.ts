import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Operation } from '../observability/operation';
import { Queue } from '../queue/queue';

/** The queue of orders to process. */
export const PROCESS_ORDER = 'process-order';

/** Orders that one statement reads and queues: a backlog of any size is worked through in steps of this many. */
const BATCH_SIZE = 1_000;

/** By keyset over the index (status, created_at, id): each batch starts where the last one ended. */
export const NEXT_WAITING = `
  SELECT id, created_at::text FROM orders WHERE status = $1 AND (created_at, id) > ($2::timestamptz, $3)
  ORDER BY created_at, id LIMIT ${BATCH_SIZE}`;

export const LEASE_EXPIRED = `SELECT id FROM orders WHERE lease_until <= now() ORDER BY lease_until LIMIT ${BATCH_SIZE}`;

/** What a job of {@link PROCESS_ORDER} carries. */
export interface ProcessOrderJob {
  order_id: number;
}

/**
 * Queues what is due. The orders table is the truth and the queue only transports: an order that already waits in the
 * queue is not queued again, and one whose job got lost is found by the next sweep.
 */
@Injectable()
export class DueOrders {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly queue: Queue,
  ) {}

  /** Queues every pending and paid order, oldest first; returns how many were not waiting already. */
  @Operation('processing.sweep')
  async enqueueDue(): Promise<number> {
    return (await this.queueAll('pending')) + (await this.queueAll('paid'));
  }

  /**
   * Queues every order whose worker has let its lease run out: it was killed, or puts off another attempt. Before all
   * others, because their takeover is promised in a time that a backlog does not keep.
   */
  async enqueueExpired(): Promise<number> {
    return this.add(await this.manager.query(LEASE_EXPIRED), true);
  }

  private async queueAll(status: 'pending' | 'paid'): Promise<number> {
    let queued = 0;
    let after = { created_at: '-infinity', id: 0 };
    for (;;) {
      const rows: { id: number; created_at: string }[] = await this.manager.query(NEXT_WAITING, [
        status,
        after.created_at,
        after.id,
      ]);
      queued += await this.add(rows);
      const last = rows.at(-1);
      if (!last || rows.length < BATCH_SIZE) return queued;
      after = last;
    }
  }

  private add(rows: { id: number }[], urgent = false): Promise<number> {
    if (rows.length === 0) return Promise.resolve(0);
    return this.queue.add(
      PROCESS_ORDER,
      rows.map(({ id }) => ({ key: String(id), data: { order_id: id } satisfies ProcessOrderJob })),
      urgent,
    );
  }
}
