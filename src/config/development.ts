import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config';

/** Fills in what production must be given: a signing key of its own, kept so that tokens survive a restart. */
export function completeForDevelopment(config: Config): void {
  if (config.SECRET_KEY) return;
  const path = join(config.DATA_DIR, 'secret-key');
  mkdirSync(config.DATA_DIR, { recursive: true });
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600 });
  config.SECRET_KEY = readFileSync(path, 'utf8');
}
