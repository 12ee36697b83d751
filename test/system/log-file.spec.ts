import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BUILD } from '../support/build';
import { cloneTemplate, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { startService } from '../support/service';

const MIB = 1024 * 1024;

let database: TestDatabase;
let folder: string;
let file: string;
beforeAll(async () => {
  database = await cloneTemplate();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-log-'));
  file = join(folder, 'log', 'orders.log');
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(async () => {
  await database.drop();
});

const start = () => startService(BUILD, { DATABASE_URL: database.url, SERVICE_ROLE: 'api', LOG_FILE: file });

it('writes what it writes to stdout to the file that LOG_FILE links to, to the last line after SIGTERM', async () => {
  const service = await start();
  const requests = Array.from({ length: 50 }, () => service.anonymous.get('products'));
  await Promise.all(requests);
  expect(await service.terminate()).toBe(0);
  await eventually(() => readFileSync(file, 'utf8') === service.output(), 'the same lines in both');
  expect(service.output().match(/"route":"\/api\/v1\/products"/g)).toHaveLength(50);
});

/** What a script writes with a logger of these options, `prepare` run before. */
const logged = (options: object, line: string, prepare = '') =>
  execFileSync(
    process.execPath,
    [
      '-e',
      `${prepare};
      require('${BUILD}/observability/logging').createLogger(${JSON.stringify(options)}).then((logger) => logger.info(${line}))`,
    ],
    { encoding: 'utf8' },
  );

it('masks what is logged under the name of a secret', () => {
  const line = logged({ level: 'info' }, `{ password: 'known', user: { refresh_token: 'known' } }`);
  expect(JSON.parse(line)).toMatchObject({ password: '[redacted]', user: { refresh_token: '[redacted]' } });
});

const REQUEST = `{ context: 'request', method: 'GET', route: '/api/v1/orders', status: 200, duration_ms: 12 }`;

it('writes lines for people where they are asked for', () => {
  const line = logged({ level: 'info', readable: true }, REQUEST);
  expect(line).toMatch(/^\[[\d:]+\] INFO: request: GET \/api\/v1\/orders 200 \(12 ms\)\n$/);
});

it('writes JSON where pino-pretty, a development dependency, is not installed', () => {
  const missing = `require('node:module').registerHooks({ resolve(name, context, next) {
    if (name === 'pino-pretty') throw new Error('not installed');
    return next(name, context);
  } })`;
  const line = logged({ level: 'info', readable: true }, REQUEST, missing);
  expect(JSON.parse(line)).toMatchObject({ level: 'info', route: '/api/v1/orders' });
});

it('leaves out probes and scrapes that succeed', async () => {
  const service = await start();
  for (const path of ['/health', '/health/live', '/health/ready', '/metrics', '/api/v1/products', '/none'])
    await fetch(`${service.origin}${path}`);
  await service.terminate();
  const routes = [...service.output().matchAll(/"route":"([^"]+)"/g)].map(([, route]) => route);
  expect(routes).toEqual(['/api/v1/products', 'unknown']);
});

/** Numbered file of the log. */
const numbered = (number: number) => join(dirname(file), `orders.${number}.log`);

it('begins a new file when one is full, keeps five at most, and loses no line', async () => {
  mkdirSync(dirname(file));
  const filler = `${'x'.repeat(1023)}\n`.repeat(10 * 1024 - 2);
  for (const number of [1, 2, 3, 4]) writeFileSync(numbered(number), `old ${number}`);
  writeFileSync(numbered(5), filler);
  const service = await start();
  for (let n = 0; n < 20; n++) await service.anonymous.get('products');
  await eventually(() => existsSync(numbered(6)) && readdirSync(dirname(file)).length <= 6, 'five and the link');
  await service.terminate();
  expect(statSync(numbered(5)).size).toBeGreaterThanOrEqual(10 * MIB);
  expect([3, 4].map((number) => readFileSync(numbered(number), 'utf8'))).toEqual(['old 3', 'old 4']);
  expect(readlinkSync(file)).toBe('orders.6.log');
  const full = readFileSync(numbered(5), 'utf8');
  const written = full.slice(filler.length) + readFileSync(file, 'utf8');
  await eventually(() => written === service.output(), 'the same lines in both');
});

it('goes on with the file that an earlier version wrote to LOG_FILE itself', async () => {
  mkdirSync(dirname(file));
  writeFileSync(file, 'an old line\n');
  const service = await start();
  await service.terminate();
  await eventually(() => readFileSync(file, 'utf8') === `an old line\n${service.output()}`, 'old and new lines');
  expect(readlinkSync(file)).toBe('orders.1.log');
});

it('a file that cannot be opened prevents the start, which names the variable', async () => {
  file = folder;
  await expect(start()).rejects.toThrow('LOG_FILE cannot be written: EISDIR');
  writeFileSync(join(folder, 'file'), '');
  file = join(folder, 'file', 'orders.log');
  await expect(start()).rejects.toThrow(/^LOG_FILE cannot be written: E(NOTDIR|EXIST)$/m);
});

const onLinux = existsSync('/dev/full') ? it : it.skip;
onLinux('a file that cannot be written any more fails no request', async () => {
  file = '/dev/full';
  const service = await start();
  expect((await service.anonymous.get('products')).status).toBe(200);
  expect(await service.terminate()).toBe(0);
  expect(service.output()).toContain('LOG_FILE cannot be written: ENOSPC');
});

it('a folder that is gone when a new file must begin fails no request', async () => {
  mkdirSync(dirname(file));
  writeFileSync(numbered(1), `${'x'.repeat(1023)}\n`.repeat(10 * 1024 - 2));
  const service = await start();
  rmSync(dirname(file), { recursive: true });
  for (let n = 0; n < 20; n++) expect((await service.anonymous.get('products')).status).toBe(200);
  expect(await service.terminate()).toBe(0);
  expect(service.output()).toContain('LOG_FILE cannot be written: ENOENT');
});
