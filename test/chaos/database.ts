import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/tools/embedded-postgres';
import { connected } from '../support/database';
import { TcpProxy } from '../support/tcp-proxy';

/** A PostgreSQL to be mistreated. The service reaches it through a proxy, at an address that outlives every restart. */
export class ChaosDatabase {
  private constructor(
    private readonly directory: string,
    private postgres: EmbeddedPostgres,
    readonly network: TcpProxy,
  ) {}

  static async start(): Promise<ChaosDatabase> {
    const directory = await mkdtemp(join(tmpdir(), 'chaos-'));
    const postgres = await launch(directory);
    return new ChaosDatabase(directory, postgres, await TcpProxy.before(postgres.url));
  }

  /** The way of the service. */
  get url(): string {
    return this.network.url;
  }

  /** The way of whoever judges, which no fault disturbs. */
  get judgesUrl(): string {
    return this.postgres.url;
  }

  // biome-ignore lint/suspicious/noExplicitAny: rows of whatever is asked for
  sql(text: string, values?: unknown[]): Promise<any[]> {
    return connected(this.judgesUrl, async (client) => (await client.query(text, values)).rows);
  }

  /** Ends the server, as an operator does or as a crash does, and starts it again after so many milliseconds. */
  async restart(how: 'fast' | 'immediate', awayFor: number): Promise<void> {
    const lock = readFileSync(join(this.directory, 'cluster/postmaster.pid'), 'utf8');
    if (how === 'immediate') process.kill(Number(lock.split('\n')[0]), 'SIGQUIT');
    await this.postgres.stop();
    await setTimeout(awayFor);
    this.postgres = await launch(this.directory);
    this.network.lead(this.postgres.url);
  }

  async stop(): Promise<void> {
    await this.network.close();
    await this.postgres.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const launch = (directory: string) => startEmbeddedPostgres(directory, { max_connections: '200' });
