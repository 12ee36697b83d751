import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { brokenInvariants } from './invariants';

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

/** Ends the connections to a database and drops it. */
export async function dropDatabase(name: string): Promise<void> {
  await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
}

/** A database of its own for one spec file. */
export interface TestDatabase {
  url: string;
  /** See invariants.sql. */
  brokenInvariants(): Promise<string[]>;
  drop(): Promise<void>;
}

/** A database that is migrated and has no row. */
export async function cloneTemplate(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(name, TEMPLATE);
  const url = databaseUrl(name);
  return {
    url,
    brokenInvariants: () => connected(url, brokenInvariants),
    drop: () => dropDatabase(name),
  };
}

/** Connects for the time of `work`. */
export async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(url);
  // A server that ends meanwhile fails the next query, not this process.
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const asAdmin = (sql: string) =>
  connected(databaseUrl('postgres'), async (client) => {
    await client.query(sql);
  });

/** Ends the service's connections of which `which` is true, as a restart of the server or an operator would. */
export const endConnections = (databaseUrl: string, which = 'true') =>
  connected(databaseUrl, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'orders' AND ${which}`,
    ),
  );
