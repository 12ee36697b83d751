import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** The migrated database that others are cloned from. */
export const TEMPLATE = 'orders_template';

/** The URL of a database on the test server. */
export function databaseUrl(name: string): string {
  const url = new URL(process.env.TEST_POSTGRES_URL as string);
  url.pathname = `/${name}`;
  return url.href;
}

/** Creates a database: empty, or as a copy of `template`. */
export async function createDatabase(name: string, template?: string): Promise<void> {
  await asAdmin(`CREATE DATABASE ${name} ${template ? `TEMPLATE ${template}` : ''}`);
}

/** A database of its own for one spec file: migrated, and without any row. */
export async function cloneTemplate(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(name, TEMPLATE);
  return { url: databaseUrl(name), drop: () => asAdmin(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function asAdmin(sql: string): Promise<void> {
  const client = new Client(databaseUrl('postgres'));
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
