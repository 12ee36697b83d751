import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { createApp } from '../../src/app.setup';
import type { Config } from '../../src/config/config';
import { parseConfig } from '../../src/config/load';
import { Client } from './client';
import { cloneTemplate } from './database';

export const ADMIN = { email: 'admin@example.com', password: 'a long admin password' };
export const PASSWORD = 'correct horse battery staple';

/** The service on its own database, listening on a free port, with clients for its users. */
export interface TestApp {
  nest: NestFastifyApplication;
  origin: string;
  databaseUrl: string;
  /** Sends no credentials. */
  anonymous: Client;
  /** The first admin. */
  admin: Client;
  /** A new customer. */
  newUser(): Promise<Client & { id: number; email: string }>;
  /** Another backend, with the role `service`. */
  newService(): Promise<Client & { id: number }>;
  /** Adds a product and returns it. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what tests assert
  newProduct(fields?: object): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: rows of whatever is asked for
  sql(text: string, values?: unknown[]): Promise<any>;
  /** Ends it all. Fails when the data breaks a rule of invariants.sql. */
  close(): Promise<void>;
}

/** Starts the service for one spec file. `settings` are environment variables. */
export async function startApp(settings: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  const database = await cloneTemplate();
  const { nest, origin } = await listen(testConfig(database.url, settings));
  const anonymous = new Client(origin);
  const admin = await logIn(anonymous, ADMIN);
  return {
    nest,
    origin,
    databaseUrl: database.url,
    anonymous,
    admin,
    async newUser() {
      const person = { name: 'Ann Smith', email: `${randomUUID()}@example.com`, password: PASSWORD };
      // By the admin, so that the address counts as proved and no mail is sent to it.
      const { body } = await admin.post('users', { ...person, role: 'user' });
      return Object.assign(await logIn(anonymous, person), { id: body.id as number, email: person.email });
    },
    async newService() {
      const { body } = await admin.post('clients', { name: 'Warehouse' });
      const credentials = Buffer.from(`${body.client_id}:${body.client_secret}`).toString('base64');
      return Object.assign(anonymous.with({ authorization: `Basic ${credentials}` }), { id: body.id as number });
    },
    async newProduct(fields = {}) {
      return (await admin.post('products', { name: 'Lamp', price_cents: 1999, stock: 10, ...fields })).body;
    },
    sql: (text, values) => nest.get(DataSource).query(text, values),
    async close() {
      await nest.close();
      try {
        expect(await database.brokenInvariants()).toEqual([]);
      } finally {
        await database.drop();
      }
    },
  };
}

/** The configuration of tests: quick, silent, and with nothing that happens by itself. */
export function testConfig(DATABASE_URL: string, settings: NodeJS.ProcessEnv = {}): Config {
  return parseConfig({
    NODE_ENV: 'test',
    DATABASE_URL,
    DATABASE_POOL_SIZE: '8',
    SECRET_KEY: 'a-signing-key-for-tests-of-32-bytes',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    LOG_LEVEL: 'silent',
    DATA_DIR: join(process.env.TEST_DATA_DIR as string, new URL(DATABASE_URL).pathname),
    DEMO_DATA: 'false',
    PROCESSING_DURATION_MS: '0',
    PROCESSING_INTERVAL_SECONDS: '3600',
    RATE_LIMIT_REQUESTS: '1000000',
    AUTH_RATE_LIMIT_REQUESTS: '1000000',
    ...settings,
  });
}

/** Starts the service with this configuration on a free port of the loopback interface. */
export async function listen(config: Config): Promise<{ nest: NestFastifyApplication; origin: string }> {
  const nest = await createApp(config);
  await nest.listen(0, '127.0.0.1');
  return { nest, origin: await nest.getUrl() };
}

/** This client, logged in. */
export async function logIn(client: Client, { email, password }: { email: string; password: string }): Promise<Client> {
  const { body } = await client.post('auth/login', { email, password });
  return client.with({ authorization: `Bearer ${body.access_token}` });
}
