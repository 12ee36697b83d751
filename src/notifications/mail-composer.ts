import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { iso, runPrepared } from '../database/prepared-statement';
import type { OutboxMessage } from '../events/outbox-relay';
import { ORDER_MAIL, type OrderMailRow } from '../orders/reading/order-mail.query';
import { User } from '../users/user.entity';
import { ACCOUNT_MESSAGES, ORDER_MESSAGES } from './mail-types';
import { formatMoney } from './money';
import { type Sender, senderOf } from './sender';
import { Templates } from './templates';

/** A mail, ready to go. */
export interface Mail {
  /** The same for every delivery of the same event. */
  id: string;
  from: Sender;
  to: { name: string; address: string };
  subject: string;
  html: string;
  text: string;
}

/** Writes the mail that tells somebody about an event. */
@Injectable()
export class MailComposer {
  private readonly from: Sender;

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly templates: Templates,
    private readonly config: Config,
  ) {
    this.from = senderOf(config);
  }

  /** The mail about this event; null when there is nobody to write to any more. */
  compose(event: OutboxMessage): Promise<Mail | null> {
    return event.order_id === null ? this.aboutAccount(event) : this.aboutOrder(event, event.order_id);
  }

  private async aboutOrder({ id, topic, payload }: OutboxMessage, orderId: number): Promise<Mail | null> {
    const kind = ORDER_MESSAGES[topic];
    const [order] = await runPrepared<OrderMailRow>(this.manager, ORDER_MAIL, [orderId]);
    if (!kind || !order) return null;
    const view = orderView(order);
    return this.write(id, order, kind.template, `${kind.heading} (${order.number})`, {
      ...{ status: null, explanation: null, ...kind },
      preview: `Order ${order.number}, ${view.total}`,
      reason: typeof payload.reason === 'string' ? oneLine(payload.reason) : null,
      order: view,
    });
  }

  private async aboutAccount({ id, topic, payload }: OutboxMessage): Promise<Mail | null> {
    const kind = ACCOUNT_MESSAGES[topic];
    const user = await this.manager.findOneBy(User, { id: Number(payload.user_id) });
    if (!kind || !user) return null;
    const { token } = payload;
    const page = this.config.PUBLIC_URL?.replace(/\/$/, '');
    return this.write(id, user, kind.template, kind.heading, {
      heading: kind.heading,
      preview: `The account of ${user.email}`,
      address: user.email,
      token: token ?? null,
      link: page ? `${page}/reset-password?token=${encodeURIComponent(String(token))}` : null,
    });
  }

  private write(
    id: string,
    { name, email }: { name: string; email: string },
    template: string,
    subject: string,
    view: object,
  ): Mail {
    const to = { name: oneLine(name), address: email };
    const parts = this.templates.render(template, { sender: this.from.name, name: to.name, ...view });
    return { id, from: this.from, to, subject, ...parts };
  }
}

function orderView({ number, currency, total_amount_cents, address, created_at, items }: OrderMailRow) {
  const money = (cents: number) => formatMoney(cents, currency);
  return {
    number,
    placed: DATE.format(new Date(iso(created_at))),
    address: address && oneLine(address),
    total: money(total_amount_cents),
    items: items.map(({ name, sku, quantity, price_cents, total_cents }) => ({
      name: oneLine(name),
      sku: sku && oneLine(sku),
      quantity,
      price: money(price_cents),
      total: money(total_cents),
    })),
  };
}

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/**
 * What somebody has typed, without what could break out of its place: line breaks would let a name pass for lines of
 * ours in the text part, and marks for the direction of writing turn around what comes after.
 */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
}
