import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config';
import { iso, runPrepared } from '../database/prepared-statement';
import type { DomainEvent, OrderEvent, UserEvent } from '../events/event-types';
import { ORDER_MAIL, type OrderMailRow } from '../orders/reading/order-mail.query';
import { User } from '../users/user.entity';
import { ACCOUNT_MAILS, ORDER_MAILS } from './mail-types';
import { formatMoney } from './money';
import { type Sender, senderOf } from './sender';
import { UnprovedMails } from './unproved-mails';

/** A mail, ready to go. */
export interface Mail {
  /** The id of its event: the same for every delivery, and for no other mail of any deployment. */
  id: string;
  /** What it is about, such as `order-7-3` (the order and its version): mail programs do not fold mails with different ones. */
  reference: string;
  from: Sender;
  to: { name: string; address: string };
  subject: string;
  /** Files in the folder `templates`. */
  template: string;
  /** The values of the template. */
  context: object;
}

/** Writes the mail that tells somebody about an event. */
@Injectable()
export class MailComposer {
  private readonly from: Sender;

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly config: Config,
    private readonly unproved: UnprovedMails,
  ) {
    this.from = senderOf(config);
  }

  /**
   * The mail about this event; null when there is nobody to write to any more. To an address that is not confirmed it holds
   * nothing that somebody typed, and is null when the address has had its mails of the day.
   */
  compose(event: DomainEvent): Promise<Mail | null> {
    return event.aggregate_type === 'order' ? this.aboutOrder(event) : this.aboutAccount(event);
  }

  private async aboutOrder(event: OrderEvent): Promise<Mail | null> {
    const { event_id, topic, aggregate_id, payload } = event;
    const type = ORDER_MAILS[topic];
    const [order] = await runPrepared<OrderMailRow>(this.manager, ORDER_MAIL, [aggregate_id]);
    if (!type || !order || !(await this.mayWriteTo(order, event_id))) return null;
    const view = orderView(order);
    return this.write(event, order, type.template, `${type.heading} (${order.number})`, {
      ...{ status: null, explanation: null, ...type },
      preview: `Order ${order.number}, ${view.total}`,
      reason: payload.reason && order.proved ? oneLine(payload.reason) : null,
      order: view,
    });
  }

  private async aboutAccount(event: UserEvent): Promise<Mail | null> {
    const type = ACCOUNT_MAILS[event.topic];
    const user = await this.manager.findOneBy(User, { id: event.aggregate_id });
    if (!type || !user) return null;
    const recipient = recipientOf(event, user);
    if (!(await this.mayWriteTo(recipient, event.event_id))) return null;
    const token = 'token' in event.payload ? event.payload.token : null;
    return this.write(event, recipient, type.template, type.heading, {
      heading: type.heading,
      preview: `The account of ${recipient.email}`,
      address: recipient.email,
      token,
      link: token && type.page ? this.link(type.page, token) : null,
    });
  }

  private link(page: string, token: string): string | null {
    const site = this.config.PUBLIC_URL?.replace(/\/$/, '');
    return site ? `${site}/${page}?token=${encodeURIComponent(token)}` : null;
  }

  private async mayWriteTo({ email, proved }: Recipient, eventId: string): Promise<boolean> {
    return proved || (await this.unproved.admit(email, eventId));
  }

  private write(event: DomainEvent, recipient: Recipient, template: string, subject: string, values: object): Mail {
    const { event_id: id, aggregate_type, aggregate_id, sequence } = event;
    const name = recipient.proved ? oneLine(recipient.name) : '';
    const greeting = name ? `Hello ${name},` : 'Hello,';
    const reference = `${aggregate_type}-${aggregate_id}-${sequence ?? id}`;
    const context = { sender: this.from.name, greeting, ...values };
    return { id, reference, from: this.from, to: { name, address: recipient.email }, subject, template, context };
  }
}

/** Whom a mail goes to. */
interface Recipient {
  name: string;
  email: string;
  /** Whether the owner of the address has confirmed it: only then it gets text that somebody typed. */
  proved: boolean;
}

/** An event about an address goes to that address, any other to that of the account. */
function recipientOf({ topic, payload }: UserEvent, { name, email, email_confirmed_at }: User): Recipient {
  if (topic === 'user.email_confirmation') return { name, email: payload.email, proved: false };
  if (topic === 'user.email_changed') return { name, ...payload };
  return { name, email, proved: email_confirmed_at !== null };
}

function orderView({ number, currency, total_amount_cents, address, proved, created_at, items }: OrderMailRow) {
  const money = (cents: number) => formatMoney(cents, currency);
  return {
    number,
    placed: DATE.format(new Date(iso(created_at))),
    address: address && proved ? oneLine(address) : null,
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
