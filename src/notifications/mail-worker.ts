import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { failpoint } from '../config/failpoint';
import type { DomainEvent } from '../events/event-types';
import { type EventConsumer, OutboxRelay } from '../events/outbox-relay';
import { ProcessMetrics } from '../observability/process-metrics';
import { Queue } from '../queue/queue';
import { type Mail, MailComposer } from './mail-composer';
import { MAIL_CONCURRENCY } from './mail-transport';
import { MAIL_TOPICS } from './mail-types';
import { Mailer } from './mailer';

/** The queue of mails to send. */
export const MAIL = 'mail';

/**
 * A mail is tried again after 5 to 10 s, then twice as long each time, but never longer than 45 s: when the server is
 * back, everything is out within a minute. After a day or so it goes to the dead letters.
 */
const RETRY = { limit: 2_000, delaySeconds: 5, maxDelaySeconds: 45 };

/** Milliseconds that running deliveries get to end at a shutdown, before they are aborted and left to another process. */
const DRAIN_TIMEOUT_MS = 4_000;

/** Sends a mail for every event that has one. Its errors stay here: no request and no order waits for a mail. */
@Injectable()
export class MailWorker implements EventConsumer, OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly topics = MAIL_TOPICS;
  private readonly logger = new Logger('mail');

  constructor(
    private readonly config: Config,
    private readonly queue: Queue,
    private readonly composer: MailComposer,
    private readonly mailer: Mailer,
    private readonly metrics: ProcessMetrics,
    relay: OutboxRelay,
  ) {
    relay.register(this);
  }

  /** Queues one mail for each event. */
  consume(manager: EntityManager, events: DomainEvent[]): Promise<void> {
    return this.queue.addOnce(
      manager,
      MAIL,
      events.map((event) => ({ key: event.event_id, data: event })),
    );
  }

  async onModuleInit(): Promise<void> {
    await this.queue.declare(MAIL, { retry: RETRY });
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.SERVICE_ROLE === 'api') return;
    await this.queue.work<DomainEvent>(MAIL, MAIL_CONCURRENCY, (event, signal) => this.deliver(event, signal));
  }

  /** Before the mailer module closes its connections, which it does in the same hook of a module that is destroyed later. */
  async onModuleDestroy(): Promise<void> {
    const timeout = setTimeout(() => this.mailer.abort(), DRAIN_TIMEOUT_MS);
    await this.queue.drain(MAIL);
    clearTimeout(timeout);
  }

  private async deliver(event: DomainEvent, signal: AbortSignal): Promise<void> {
    const mail = await this.composer.compose(event);
    failpoint('mail-sending');
    if (mail) await this.send(mail, signal);
    failpoint('mail-sent');
    this.logger.log({ event: event.event_id, topic: event.topic, outcome: mail ? 'sent' : 'nobody to write to' });
  }

  private async send(mail: Mail, signal: AbortSignal): Promise<void> {
    try {
      await this.mailer.send(mail, signal);
      this.metrics.mails.inc({ outcome: 'sent' });
    } catch (error) {
      this.metrics.mails.inc({ outcome: 'failed' });
      throw error;
    }
  }
}
