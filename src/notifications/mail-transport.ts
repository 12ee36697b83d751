import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transport } from 'nodemailer';
import type { Config } from '../config/config';

/** Mails that one process sends at a time, each over a connection of its own that is kept for the next one. */
export const MAIL_CONCURRENCY = 4;

/** Milliseconds of silence after which a mail server is given up. */
const SMTP_TIMEOUT_MS = 10_000;

/** The mail server, or the folder `DATA_DIR/mail` where there is none (development). */
export const mailTransport = (config: Config) => smtp(config) ?? files(join(config.DATA_DIR, 'mail'));

function smtp({ SMTP_URL, MAIL_SERVER, MAIL_PORT, MAIL_USERNAME, MAIL_PASSWORD }: Config) {
  if (!SMTP_URL && !MAIL_SERVER) return undefined;
  return {
    ...(SMTP_URL ? { url: SMTP_URL } : { host: MAIL_SERVER, port: MAIL_PORT, secure: MAIL_PORT === 465 }),
    ...(MAIL_USERNAME && { auth: { user: MAIL_USERNAME, pass: MAIL_PASSWORD } }),
    pool: true as const,
    maxConnections: MAIL_CONCURRENCY,
    // Once more at once if the server had closed a kept connection; everything else is retried by the queue.
    maxRequeues: 1,
    dnsTimeout: SMTP_TIMEOUT_MS,
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  };
}

/** Writes each mail to a file that is named after what it is about, readable by its owner only. */
function files(folder: string): Transport<void> {
  return {
    name: 'files',
    version: '1',
    send({ data, message }, done) {
      const write = async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const { 'X-Entity-Ref-ID': reference } = data.headers as Record<string, string>;
        await writeFile(join(folder, `${reference}.eml`), await message.build(), { mode: 0o600 });
      };
      write().then(() => done(null), done);
    },
  };
}
