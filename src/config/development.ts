import { randomBytes } from 'node:crypto';
import { accessSync, constants, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../errors/start-error';
import type { Config } from './config';

/** Throws a {@link StartError} when local files are needed and `DATA_DIR` cannot be written. */
export function assertDataFolder({ DATA_DIR, DATABASE_URL, SECRET_KEY }: Config): void {
  if (DATABASE_URL && SECRET_KEY) return;
  try {
    mkdirSync(DATA_DIR, { recursive: true });
    accessSync(DATA_DIR, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`DATA_DIR cannot be written (${code}): make the folder writable, or name another one.`);
  }
}

/** Fills in a signing key, which production must be given. It is kept, so that tokens survive a restart. */
export function completeForDevelopment(config: Config): void {
  config.SECRET_KEY ||= keptSecretKey(join(config.DATA_DIR, 'secret-key'));
}

/** Written aside and then linked, which fails where there is a file: processes that start at the same time share one key. */
function keptSecretKey(path: string): string {
  const draft = `${path}.${process.pid}`;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8');
}
