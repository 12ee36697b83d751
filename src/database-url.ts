import { resolve } from 'node:path';
import type { Config } from './config/config';
import { checkDatabase } from './database/connection-check';
import { startEmbeddedPostgres } from './tools/embedded-postgres';

/**
 * Makes sure that the database of `config` answers, and starts the embedded one where none is named. Returns what ends the
 * latter. Throws a {@link StartError} that names `DATABASE_URL`.
 */
export async function prepareDatabase(config: Config): Promise<() => Promise<void>> {
  if (config.DATABASE_URL) {
    config.DATABASE_URL = await checkDatabase(config.DATABASE_URL);
    return async () => {};
  }
  const postgres = await startEmbeddedPostgres(resolve(config.DATA_DIR, 'postgres'));
  config.DATABASE_URL = postgres.url;
  return postgres.stop;
}
