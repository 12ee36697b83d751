import type { OrderTopic, Topic, UserTopic } from '../events/event-types';

/** A kind of mail. */
export interface MailType {
  /** Files in the folder `templates`. */
  template: string;
  /** The subject, together with the number of the order. */
  heading: string;
  /** The page of PUBLIC_URL that takes the token of the mail. */
  page?: string;
  /** For `order-status-changed`: how the sentence "your order is now …" goes on, and what that means. */
  status?: string;
  explanation?: string;
}

/** The mails about orders, by the topic of the event that they tell about. */
export const ORDER_MAILS: Partial<Record<OrderTopic, MailType>> = {
  'order.placed': { template: 'order-received', heading: 'We have received your order' },
  'order.paid': {
    template: 'order-status-changed',
    heading: 'Your order is paid',
    status: 'paid',
    explanation: 'We have your payment and will start on your order shortly.',
  },
  'order.processing': {
    template: 'order-status-changed',
    heading: 'We are working on your order',
    status: 'in processing',
    explanation: 'We will write again when it is done.',
  },
  'order.requeued': {
    template: 'order-status-changed',
    heading: 'We have taken up your order again',
    status: 'waiting to be processed once more',
    explanation: 'Its items are set aside for you again.',
  },
  'order.completed': { template: 'order-completed', heading: 'Your order is complete' },
  'order.failed': { template: 'order-failed', heading: 'We could not complete your order' },
  'order.cancelled': { template: 'order-cancelled', heading: 'Your order has been cancelled' },
};

/** The mails about accounts, by topic. */
export const ACCOUNT_MAILS: Partial<Record<UserTopic, MailType>> = {
  'user.password_reset': { template: 'password-reset', heading: 'Choose a new password', page: 'reset-password' },
  'user.password_changed': { template: 'password-changed', heading: 'Your password was changed' },
  'user.email_confirmation': {
    template: 'email-confirmation',
    heading: 'Confirm your e-mail address',
    page: 'confirm-email',
  },
  'user.email_changed': { template: 'email-changed', heading: 'Your e-mail address is being changed' },
};

/** The events that a mail tells about. */
export const MAIL_TOPICS = [...Object.keys(ORDER_MAILS), ...Object.keys(ACCOUNT_MAILS)] as Topic[];
