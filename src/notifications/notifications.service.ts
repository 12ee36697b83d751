import { Injectable } from '@nestjs/common';
import type { DomainEvent } from '../events/event-types';
import { Operation } from '../observability/operation';
import { Queue } from '../queue/queue';
import { MAIL } from './mail-worker';
import type { DeadLettersResponse } from './notification-response.dto';

/** What an operator sees and does about mails that could not be delivered. */
@Injectable()
export class NotificationsService {
  constructor(private readonly queue: Queue) {}

  /** How many mails were given up, and the latest of them. */
  async deadLetters(): Promise<DeadLettersResponse> {
    const { count, latest } = await this.queue.deadLetters<DomainEvent>(MAIL);
    return {
      count,
      // Without the payload: it may hold a password-reset token.
      latest: latest.map(({ data, attempts, error, died_at }) => ({
        id: data.event_id,
        topic: data.topic,
        order_id: data.aggregate_type === 'order' ? data.aggregate_id : null,
        attempts,
        error,
        failed_at: died_at.toISOString(),
      })),
    };
  }

  /** Has every mail that was given up tried again, from the first attempt on; returns how many. */
  @Operation('notifications.requeue')
  requeue(): Promise<number> {
    return this.queue.redrive(MAIL);
  }
}
