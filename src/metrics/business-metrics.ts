import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { DomainError } from '../errors/domain-error';
import { ORDER_STATUSES, type OrderStatus } from '../orders/order-status';

/** Seconds for which a result of the database is shown again: frequent scrapes cost it nothing more. */
const MAX_AGE_SECONDS = 10;

/** Milliseconds that a scrape waits for the database: several queries may each take as long as any. */
const READ_TIMEOUT_MS = 3_000;

/** Orders over which the processing time is averaged, the latest ones. */
export const AVERAGED = 1_000;

/** What the database knows; the same in every process. Times in seconds. */
export interface Business {
  orders: Record<OrderStatus, number>;
  averageProcessing: number | null;
  oldestWaiting: number;
  queues: { name: string; waiting: number; oldest: number }[];
  outbox: number;
  /** Age of the oldest event that is not in the log yet; 0 if there is none. */
  eventLag: number;
  /** The position of the latest event. */
  eventPosition: number;
}

const LATEST = `
  SELECT completed_at - processing_started_at AS took FROM orders
  WHERE status = 'completed' ORDER BY created_at DESC LIMIT ${AVERAGED}`;

/**
 * Asks the database for the figures of the business, at most once in {@link MAX_AGE_SECONDS} seconds. A few milliseconds at a million
 * orders as at a thousand: the counts are kept as counters, and the rest is read from the ends of indexes.
 */
@Injectable()
export class BusinessMetrics {
  private known: { at: number; business: Promise<Business> } | undefined;

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** The figures, at most {@link MAX_AGE_SECONDS} seconds old. Rejects when the database does not answer, or takes too long. */
  read(): Promise<Business> {
    return Promise.race([this.latest(), tooLate()]);
  }

  private latest(): Promise<Business> {
    const now = Date.now();
    if (this.known && now - this.known.at <= MAX_AGE_SECONDS * 1000) return this.known.business;
    const business = this.ask();
    this.known = { at: now, business };
    // A failure is not remembered: the next scrape asks again.
    business.catch(() => {
      this.known = undefined;
    });
    return business;
  }

  private async ask(): Promise<Business> {
    const counts: { status: OrderStatus; count: number }[] = await this.dataSource.query(
      'SELECT status, sum(orders) AS count FROM order_counters GROUP BY status',
    );
    const [figures] = await this.dataSource.query(`
      SELECT (SELECT avg(extract(epoch FROM took)) FROM (${LATEST}) latest) AS average,
        (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM orders
          WHERE status IN ('pending', 'paid')) AS oldest,
        (SELECT count(*) FROM outbox) AS outbox,
        (SELECT coalesce(extract(epoch FROM now() - min(occurred_at)), 0) FROM outbox) AS event_lag,
        (SELECT last FROM feed_position) AS event_position`);
    const queues = await this.dataSource.query(`
      SELECT name, count(*) AS waiting, extract(epoch FROM now() - min(created_on)) AS oldest
      FROM pgboss.job WHERE state < 'active' AND start_after <= now() GROUP BY name`);
    const orders = Object.fromEntries(ORDER_STATUSES.map((status) => [status, 0])) as Record<OrderStatus, number>;
    for (const { status, count } of counts) orders[status] = count;
    return {
      orders,
      averageProcessing: figures.average,
      oldestWaiting: figures.oldest,
      queues,
      outbox: figures.outbox,
      eventLag: figures.event_lag,
      eventPosition: figures.event_position,
    };
  }
}

async function tooLate(): Promise<never> {
  await setTimeout(READ_TIMEOUT_MS, undefined, { ref: false });
  throw new DomainError('UNAVAILABLE', 'The database takes too long to answer.');
}
