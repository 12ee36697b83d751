import { Global, Injectable, Module } from '@nestjs/common';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { losses } from './log-output';

/** Metrics of this process; `/metrics` adds those from the database. No label holds an id or a raw path. */
@Injectable()
export class ProcessMetrics {
  readonly registry = new Registry();

  /** By method, route template and status. */
  readonly requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its response.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });

  readonly requestsTotal = new Counter({
    name: 'http_requests_total',
    help: 'Requests that were responded to.',
    labelNames: ['method', 'route', 'status'],
    registers: [this.registry],
  });

  /** By `success` or `failure`, counted where the order was settled. */
  readonly processing = new Histogram({
    name: 'order_processing_seconds',
    help: 'Time from the first claim of an order to its end, retries and the waits between them included.',
    labelNames: ['outcome'],
    buckets: [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    registers: [this.registry],
  });

  /** By outcome: `sent` or `failed`. */
  readonly mails = new Counter({
    name: 'mails_total',
    help: 'Attempts to send a mail.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  readonly eventStreams = new Gauge({
    name: 'event_streams',
    help: 'Event streams that are open.',
    registers: [this.registry],
  });

  /** By the limit that was exceeded. */
  readonly refusals = new Counter({
    name: 'rate_limit_refusals_total',
    help: 'Requests refused by a rate limit.',
    labelNames: ['limit'],
    registers: [this.registry],
  });

  /** By output. Counted per process in {@link losses}, because the logger is older than this registry. */
  readonly lostLogLines = new Counter({
    name: 'log_lines_lost_total',
    help: 'Log lines lost because stdout or LOG_FILE could not be written, or not fast enough.',
    labelNames: ['output'],
    registers: [this.registry],
    collect() {
      this.reset();
      for (const [output, { lines }] of losses) this.inc({ output }, lines);
    },
  });

  readonly failedLogWrites = new Counter({
    name: 'log_write_failures_total',
    help: 'Attempts to write log lines that failed. What cannot be written is kept up to 1 MiB, and tried again.',
    labelNames: ['output'],
    registers: [this.registry],
    collect() {
      this.reset();
      for (const [output, { failures }] of losses) this.inc({ output }, failures);
    },
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}

/** Makes the one {@link ProcessMetrics} injectable everywhere. */
@Global()
@Module({ providers: [ProcessMetrics], exports: [ProcessMetrics] })
export class ProcessMetricsModule {}
