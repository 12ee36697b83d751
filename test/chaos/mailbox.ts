import { SmtpSink } from '../support/smtp';
import type { SentMail } from './verdict';

/** A mail server that keeps only reference, time and sender of each mail: the mails of a long run would fill the memory. */
export class Mailbox {
  private readonly sink = new SmtpSink();
  private readonly sent: SentMail[] = [];
  private readonly collecting = setInterval(() => this.collect(), 1_000).unref();

  async open(): Promise<string> {
    return (await this.sink.start()).url;
  }

  /** Everything until now. */
  collect(): SentMail[] {
    this.sink.read.length = 0;
    for (const { mail, reference, at } of this.sink.delivered.splice(0)) {
      this.sent.push({ id: reference, at, process: mail.from?.address?.split('@')[0] ?? '' });
    }
    return this.sent;
  }

  async close(): Promise<void> {
    clearInterval(this.collecting);
    await this.sink.stop();
  }
}
