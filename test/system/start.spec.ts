import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD } from '../support/build';
import { cloneTemplate, connected, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { SETTINGS, startService } from '../support/service';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await cloneTemplate();
  folder = mkdtempSync(join(tmpdir(), 'orders-start-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

/** Runs Node in an empty folder until it ends. */
async function run(args: string[], settings: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env.PATH, ...settings };
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const [code] = await once(child, 'close');
  return { code, output };
}

const start = (settings: NodeJS.ProcessEnv) => run([join(BUILD, 'main.js')], { ...SETTINGS, ...settings });

/** The test's database under another address. */
function changed(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

/** A port of the loopback interface on which something listens. */
async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

const DATABASES: [what: string, url: () => string | Promise<string>, sentence: string][] = [
  ['a port that is none', () => 'postgres://user:secret@host:port/db', 'cannot be parsed'],
  ['a password with a slash', () => 'postgres://user:sec/ret@host/secret', 'cannot be parsed'],
  ['a database that does not exist', () => changed((url) => (url.pathname = '/secret')), 'does not exist'],
  ['a wrong password', () => changed((url) => (url.password = 'secret')), 'does not accept'],
  ['a host that does not exist', () => 'postgres://user:secret@secret.invalid/db', 'cannot be found'],
  ['a port where nothing listens', () => 'postgres://user:secret@127.0.0.1:1/db', 'nothing listens'],
  [
    'TLS that the server lacks',
    () => changed((url) => (url.search = '?sslmode=verify-full')),
    'the server does not have',
  ],
];

it.each(DATABASES)('names DATABASE_URL, what to change and not its value: %s', async (_what, url, sentence) => {
  const { code, output } = await start({ DATABASE_URL: await url() });
  expect([code, output.trim().split('\n')]).toEqual([1, [expect.stringMatching(/^DATABASE_URL .*\.$/)]]);
  expect(output).toContain(sentence);
  expect(output).not.toContain('secret');
});

it('gives up a database that does not answer', async () => {
  const { server, port } = await listen();
  const { code, output } = await start({ DATABASE_URL: `postgres://user:secret@127.0.0.1:${port}/db` });
  server.close();
  expect([code, output]).toEqual([
    1,
    expect.stringMatching(/^DATABASE_URL names a server that did not answer within 3 s.*\n$/),
  ]);
});

it('refuses a database whose encoding cannot hold every text', async () => {
  await connected(database.url, (client) =>
    client.query(`CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`),
  );
  const { code, output } = await start({ DATABASE_URL: changed((url) => (url.pathname = '/latin')) });
  await connected(database.url, (client) => client.query('DROP DATABASE latin'));
  expect([code, output]).toEqual([1, expect.stringMatching(/^DATABASE_URL .* ENCODING 'UTF8'\.\n$/)]);
});

it.each(['prefer', 'allow'])('sslmode=%s works with a server without TLS, as in libpq', async (mode) => {
  const service = await startService(BUILD, { DATABASE_URL: `${database.url}?sslmode=${mode}`, SERVICE_ROLE: 'api' });
  expect((await service.anonymous.get('/health/ready')).status).toBe(200);
  expect(await service.terminate()).toBe(0);
});

it('names APP_PORT when it is taken, and starts nothing', async () => {
  const { server, port } = await listen();
  const { code, output } = await start({ APP_PORT: String(port), DATA_DIR: join(folder, 'unused') });
  server.close();
  expect([code, output]).toEqual([1, expect.stringMatching(/^APP_PORT is taken: .*\n$/)]);
  expect(readdirSync(folder)).toEqual([]);
});

it('names DATA_DIR when it cannot be written', async () => {
  const { code, output } = await start({ DATA_DIR: '/dev/null/data' });
  expect([code, output]).toEqual([1, expect.stringMatching(/^DATA_DIR cannot be written \(ENOTDIR\): .*\n$/)]);
});

it('names the version of Node that it needs when it runs on an older one', async () => {
  const older = join(folder, 'older.js');
  writeFileSync(older, `Object.defineProperty(process, 'version', { value: 'v20.11.0' });`);
  const { code, output } = await run(['--require', older, join(BUILD, 'main.js')], SETTINGS);
  rmSync(older);
  expect([code, output]).toEqual([
    1,
    'Node 24 or newer is needed, and this is v20.11.0: start with npm, which brings its own.\n',
  ]);
});

it('uses the signing key of the process that was first, when two start at the same time', async () => {
  const data = mkdtempSync(join(folder, 'data-'));
  const key = join(data, 'secret-key');
  // The other process writes its key after this one has looked for one.
  const script = `const fs = require('node:fs');
    const { writeFileSync } = fs;
    fs.writeFileSync = (...args) => { writeFileSync('${key}', 'the key of the other process'); writeFileSync(...args); };
    const config = { DATA_DIR: '${data}' };
    require('${BUILD}/config/development').completeForDevelopment(config);
    process.stdout.write(config.SECRET_KEY);`;
  expect(await run(['-e', script], {})).toEqual({ code: 0, output: 'the key of the other process' });
  expect([readdirSync(data), readFileSync(key, 'utf8')]).toEqual([['secret-key'], 'the key of the other process']);
});

it('is not ready for SHUTDOWN_DELAY_SECONDS after SIGTERM, and serves; a second signal skips the rest', async () => {
  const settings = { DATABASE_URL: database.url, SERVICE_ROLE: 'api', SHUTDOWN_DELAY_SECONDS: '300' };
  const service = await startService(BUILD, settings);
  const ended = service.terminate();
  await eventually(async () => (await service.anonymous.get('/health/ready')).status === 503, 'it is not ready');
  const { headers } = await fetch(`${service.origin}/api/v1/products`, { headers: { connection: 'close' } });
  expect(headers.get('content-type')).toContain('application/json');
  service.signal('SIGTERM');
  expect(await ended).toBe(0);
});

it('tells a developer at the terminal where everything is', async () => {
  const terminal = join(folder, 'terminal.js');
  writeFileSync(terminal, 'process.stdout.isTTY = true;');
  const settings = { NODE_ENV: 'development', NODE_OPTIONS: `--require ${terminal}`, DATA_DIR: join(folder, 'data') };
  const service = await startService(BUILD, { ...settings, DATABASE_URL: database.url });
  await eventually(() => service.output().includes('Ctrl-C'), 'the banner');
  expect(await service.terminate()).toBe(0);
  const { port } = new URL(service.origin);
  for (const line of [
    `API       http://localhost:${port}/api/v1`,
    `Docs      http://localhost:${port}/docs and http://localhost:${port}/redoc`,
    'Admin     admin@example.com',
    `Mails     files in ${join(folder, 'data', 'mail')}`,
    'Database  DATABASE_URL',
  ])
    expect(service.output()).toContain(`\n  ${line}\n`);
  expect(service.output()).toContain('INFO');
});
