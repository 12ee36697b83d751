import { Injectable } from '@nestjs/common';
import { Operation } from '../common/operation';
import type { Principal } from '../common/principal';
import { Queue } from '../jobs/queue';
import type { RelayedEvent } from '../jobs/relay';
import { MAIL } from './mail-worker';
import type { DeadLettersResponse } from './notification.dto';

/** What an operator sees and does about mails that could not be delivered. */
@Injectable()
export class NotificationsService {
  constructor(private readonly queue: Queue) {}

  /** How many mails were given up, and the latest of them. */
  async deadLetters(): Promise<DeadLettersResponse> {
    const { count, latest } = await this.queue.deadLetters<RelayedEvent>(MAIL);
    return {
      count,
      // Without the payload: it may hold a password-reset token.
      latest: latest.map(({ data, attempts, error, died_at }) => ({
        id: data.id,
        topic: data.topic,
        order_id: data.order_id,
        attempts,
        error,
        failed_at: died_at.toISOString(),
      })),
    };
  }

  /** Has every mail that was given up tried again, from the first attempt on; returns how many. */
  @Operation('notifications.requeue')
  requeue(_actor: Principal): Promise<number> {
    return this.queue.redrive(MAIL);
  }
}
