import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/config';

/** Where everything is, for the terminal of a developer: addresses, admin, mails, database, and how to stop. */
export function banner(config: Config, port: string, isEmbedded: boolean): string {
  const { DATA_DIR, DOCS_ENABLED, SERVICE_ROLE, ADMIN_EMAIL, SMTP_URL, MAIL_SERVER } = config;
  const origin = `http://localhost:${port}`;
  const passwordFile = join(DATA_DIR, 'admin-password');
  const lines: [name: string, value: string | false][] = [
    ['API', SERVICE_ROLE !== 'worker' && `${origin}/api/v1`],
    ['Docs', SERVICE_ROLE !== 'worker' && DOCS_ENABLED === true && `${origin}/docs and ${origin}/redoc`],
    ['Admin', ADMIN_EMAIL ?? (existsSync(passwordFile) && `admin, password in ${passwordFile}`)],
    ['Mails', SMTP_URL || MAIL_SERVER ? 'sent by your mail server' : `files in ${join(DATA_DIR, 'mail')}`],
    ['Database', isEmbedded ? `embedded, in ${join(DATA_DIR, 'postgres')}` : 'DATABASE_URL'],
    ['Stop', 'Ctrl-C'],
  ];
  const shown = lines.filter(([, value]) => value);
  return `\n${shown.map(([name, value]) => `  ${name.padEnd(10)}${value}`).join('\n')}\n\n`;
}
