import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { createTransport, type NodemailerError, type Transport, type Transporter } from 'nodemailer';
import { Config } from '../config/config';
import { PermanentFailure } from '../queue/queue';
import type { Mail } from './mail-composer';

/** Mails that one process sends at a time, each over a connection of its own that is kept for the next one. */
export const MAIL_CONCURRENCY = 4;

/** Milliseconds for which a mail server may be silent. */
const SILENCE = 10_000;

/** Hands mails to the SMTP server, or writes them to `DATA_DIR/mail/*.eml` when there is none (development). */
@Injectable()
export class Mailer {
  private readonly transport: Transporter;

  constructor(config: Config) {
    this.transport = createTransport(smtp(config) ?? files(join(config.DATA_DIR, 'mail')));
  }

  /**
   * Resolves when the server has taken the mail. Sending it again is safe for the reader: it has the same Message-ID.
   * Errors: {@link PermanentFailure} for a refusal (5xx) of this very mail; any other error may pass by itself.
   */
  async send({ id, ...mail }: Mail, signal: AbortSignal): Promise<void> {
    const host = mail.from.address.split('@').at(-1);
    try {
      await this.transport.sendMail({
        ...mail,
        messageId: `<${id}@${host}>`,
        // Out-of-office answers and the like are for people.
        headers: { 'Auto-Submitted': 'auto-generated' },
        // The envelope by itself, so that nothing in a header can add a recipient.
        envelope: { from: mail.from.address, to: [{ name: '', address: mail.to.address }] },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      });
    } catch (error) {
      throw isRefusal(error as NodemailerError) ? new PermanentFailure((error as Error).message) : error;
    }
  }

  /** Ends the connections, with `force` also those that are at work: what they send fails. */
  close(options: { force: boolean }): void {
    this.transport.close(options);
  }
}

/**
 * True when the server refused this mail, its sender or its recipient, for good. Not for a failed login, although that
 * is a 5xx as well: it says nothing about the mail, and passes when the password has been put right.
 */
function isRefusal({ code, responseCode }: NodemailerError): boolean {
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && (responseCode === undefined || responseCode >= 500);
}

function smtp({ SMTP_URL, MAIL_SERVER, MAIL_PORT, MAIL_USERNAME, MAIL_PASSWORD }: Config) {
  if (!SMTP_URL && !MAIL_SERVER) return undefined;
  return {
    ...(SMTP_URL ? { url: SMTP_URL } : { host: MAIL_SERVER, port: MAIL_PORT, secure: MAIL_PORT === 465 }),
    ...(MAIL_USERNAME && { auth: { user: MAIL_USERNAME, pass: MAIL_PASSWORD } }),
    pool: true as const,
    maxConnections: MAIL_CONCURRENCY,
    // Once more at once if the server had closed a kept connection; all else is the queue's business.
    maxRequeues: 1,
    dnsTimeout: SILENCE,
    connectionTimeout: SILENCE,
    greetingTimeout: SILENCE,
    socketTimeout: SILENCE,
  };
}

/** Writes each mail to a file with the name of its id. */
function files(folder: string): Transport<void> {
  return {
    name: 'files',
    version: '1',
    send({ data, message }, done) {
      const write = async () => {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, `${String(data.messageId).slice(1).split('@', 1)[0]}.eml`), await message.build());
      };
      write().then(() => done(null), done);
    },
  };
}
