import { Injectable } from '@nestjs/common';
import { MailerService } from '@nestjs-modules/mailer';
import type { NodemailerError } from 'nodemailer';
import { PermanentFailure } from '../queue/queue';
import type { Mail } from './mail-composer';

/** Sends mails through the transport of `mail-transport.ts`. */
@Injectable()
export class Mailer {
  constructor(private readonly mailer: MailerService) {}

  /**
   * Resolves when the server has taken the mail. Sending it again is safe for the reader: it has the same Message-ID.
   * Errors: {@link PermanentFailure} for a refusal (5xx) of this very mail; any other error may pass by itself.
   */
  async send({ id, reference, ...mail }: Mail, signal: AbortSignal): Promise<void> {
    const host = mail.from.address.split('@').at(-1);
    const options = {
      ...mail,
      messageId: `<${id}@${host}>`,
      // Auto-Submitted keeps out-of-office replies away.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': reference },
      // The envelope by itself, so that nothing in a header can add a recipient.
      envelope: { from: mail.from.address, to: [{ name: '', address: mail.to.address }] },
      disableFileAccess: true,
      disableUrlAccess: true,
      signal,
    };
    try {
      await this.mailer.sendMail(options);
    } catch (error) {
      throw isRefusal(error as NodemailerError) ? new PermanentFailure((error as Error).message) : error;
    }
  }

  /** Closes the connections at once: what they send fails. */
  abort(): void {
    this.mailer.getTransporter().close({ force: true });
  }
}

/**
 * True when the server refused this mail, its sender or its recipient, for good. Not for a failed login, although that is a
 * 5xx as well: it says nothing about the mail, and passes when the password has been put right.
 */
function isRefusal({ code, responseCode }: NodemailerError): boolean {
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && (responseCode === undefined || responseCode >= 500);
}
