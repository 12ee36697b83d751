import { readFileSync, rmSync } from 'node:fs';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/tools/embedded-postgres';
import { connected } from '../support/database';
import { eventually } from '../support/eventually';
import { TcpProxy } from '../support/tcp-proxy';

interface Server {
  directory: string;
  postgres: EmbeddedPostgres;
}

/**
 * A PostgreSQL for faults, if wanted with a synchronous standby. The service reaches the primary through a proxy, at an
 * address that outlives every restart and failover.
 */
export class ChaosDatabase {
  private standby: Promise<Server> | undefined;
  private stopping = false;

  private constructor(
    private primary: Server,
    /** Between the service and the primary. */
    readonly network: TcpProxy,
    /** Between the standby and the primary. */
    private readonly replication: TcpProxy,
  ) {}

  static async start({ withStandby }: { withStandby: boolean }): Promise<ChaosDatabase> {
    const primary = await launch(await newDirectory());
    const proxies = [TcpProxy.before(primary.postgres.url), TcpProxy.before(primary.postgres.url)] as const;
    const database = new ChaosDatabase(primary, await proxies[0], await proxies[1]);
    if (withStandby) await database.attachStandby();
    return database;
  }

  /** The address for the service. */
  get url(): string {
    return this.network.url;
  }

  /** The address for the harness itself, which no fault of the network disturbs. */
  get judgesUrl(): string {
    return this.primary.postgres.url;
  }

  // biome-ignore lint/suspicious/noExplicitAny: rows of whatever is asked for
  sql(text: string, values?: unknown[]): Promise<any[]> {
    return connected(this.judgesUrl, async (client) => (await client.query(text, values)).rows);
  }

  /** Stops the server, in order (`fast`) or as a crash does, and starts it again after so many milliseconds. */
  async restart(how: 'fast' | 'immediate', awayFor: number): Promise<void> {
    await stop(this.primary, how);
    await setTimeout(awayFor);
    this.primary = await launch(this.primary.directory);
    this.lead();
  }

  /**
   * Kills the primary, leads the service to the standby while that is still read-only, calls `whileReadOnly`, and then promotes
   * it. A new standby is made in the background. Nothing that was committed is lost, because the standby is synchronous.
   */
  async failOver(whileReadOnly: () => Promise<void>): Promise<void> {
    const standby = (await this.standby) as Server;
    await eventually(async () => (await this.sql(IN_STEP))[0].ok, 'the standby has everything');
    const old = this.primary;
    await stop(old, 'immediate');
    this.primary = standby;
    this.lead();
    await whileReadOnly();
    await this.sql('SELECT pg_promote()');
    rmSync(old.directory, { recursive: true });
    void this.attachStandby();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all([this.network.close(), this.replication.close()]);
    const servers = [await this.standby?.catch(() => undefined), this.primary].filter((server) => server !== undefined);
    for (const { postgres, directory } of servers) {
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }

  private lead(): void {
    this.network.lead(this.primary.postgres.url);
    this.replication.lead(this.primary.postgres.url);
  }

  private attachStandby(): Promise<Server> {
    this.standby = this.makeStandby();
    // The next failover and the end wait for it.
    this.standby.catch(() => {});
    return this.standby;
  }

  /** Copies the primary, and tries again when a fault or a file that vanished has disturbed that. */
  private async makeStandby(): Promise<Server> {
    for (;;) {
      const directory = await newDirectory();
      try {
        await this.copyPrimary(join(directory, 'cluster'));
        return await this.startStandby(directory);
      } catch (error) {
        rmSync(directory, { recursive: true, force: true });
        if (this.stopping) throw error;
        await setTimeout(500);
      }
    }
  }

  /** What pg_basebackup does, which the embedded binaries lack. The standby fetches the write-ahead log itself. */
  private copyPrimary(target: string): Promise<void> {
    const source = join(this.primary.directory, 'cluster');
    return connected(this.judgesUrl, async (client) => {
      await client.query(`SELECT pg_backup_start('standby', true)`);
      await cp(source, target, { recursive: true, filter: (path) => !NOT_COPIED.test(relative(source, path)) });
      const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(false)');
      await writeFile(join(target, 'backup_label'), rows[0].labelfile);
      await writeFile(join(target, 'standby.signal'), '');
    });
  }

  private async startStandby(directory: string): Promise<Server> {
    const { hostname, port, username, password } = new URL(this.replication.url);
    const source = `host=${hostname} port=${port} user=${username} password=${password} application_name=standby`;
    const standby = await launch(directory, { primary_conninfo: source });
    try {
      await this.sql(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`);
      await this.sql('SELECT pg_reload_conf()');
      await eventually(async () => (await this.sql(IN_STEP))[0].ok, 'the standby is synchronous', 60);
      return standby;
    } catch (error) {
      await standby.postgres.stop();
      throw error;
    }
  }
}

const NOT_COPIED = /^(pg_wal|pg_replslot|pg_notify|pg_subtrans)\/|^postmaster\.|pgsql_tmp|\.tmp$/;

/** The standby follows synchronously, and has written all that was written here until now. */
const IN_STEP = `SELECT EXISTS (SELECT FROM pg_stat_replication
  WHERE sync_state = 'sync' AND flush_lsn >= pg_current_wal_flush_lsn()) AS ok`;

const newDirectory = () => mkdtemp(join(tmpdir(), 'chaos-'));

/** A standby that was away for a while finds all of the log that it missed. */
const SETTINGS = { max_connections: '200', wal_keep_size: '1GB', wal_retrieve_retry_interval: '200' };

async function launch(directory: string, settings: Record<string, string> = {}): Promise<Server> {
  return { directory, postgres: await startEmbeddedPostgres(directory, { ...SETTINGS, ...settings }) };
}

async function stop({ directory, postgres }: Server, how: 'fast' | 'immediate'): Promise<void> {
  const lock = readFileSync(join(directory, 'cluster/postmaster.pid'), 'utf8');
  if (how === 'immediate') process.kill(Number(lock.split('\n')[0]), 'SIGQUIT');
  await postgres.stop();
}
