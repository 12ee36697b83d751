import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BUILD } from '../../support/build';
import { cloneTemplate, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { startService } from '../../support/service';

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

it('writes to exactly the path that LOG_FILE names what it writes to stdout, to the last line after SIGTERM', async () => {
  const service = await start();
  const requests = Array.from({ length: 50 }, () => service.anonymous.get('products'));
  await Promise.all(requests);
  expect(await service.terminate()).toBe(0);
  await eventually(() => readFileSync(file, 'utf8') === service.output(), 'the same lines in both');
  expect(service.output().match(/"route":"\/api\/v1\/products"/g)).toHaveLength(50);
});

it('masks what is logged under the name of a secret', () => {
  const fields = `{ password: 'known', user: { refresh_token: 'known' } }`;
  const script = `require('${BUILD}/observability/logging').createLogger('info').info(${fields})`;
  const line = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect(JSON.parse(line)).toMatchObject({ password: '[redacted]', user: { refresh_token: '[redacted]' } });
});

it('renames a file that is full, keeps four old ones, and loses no line', async () => {
  mkdirSync(dirname(file));
  const filler = `${'x'.repeat(1023)}\n`.repeat(10 * 1024 - 2);
  writeFileSync(file, filler);
  for (const age of [1, 2, 3, 4]) writeFileSync(`${file}.${age}`, `old ${age}`);
  const service = await start();
  for (let n = 0; n < 20; n++) await service.anonymous.get('products');
  await service.terminate();
  expect(readdirSync(dirname(file)).sort()).toEqual(['', '.1', '.2', '.3', '.4'].map((age) => `orders.log${age}`));
  expect(statSync(`${file}.1`).size).toBeGreaterThanOrEqual(10 * MIB);
  expect([2, 3, 4].map((age) => readFileSync(`${file}.${age}`, 'utf8'))).toEqual(['old 1', 'old 2', 'old 3']);
  const full = readFileSync(`${file}.1`, 'utf8');
  const written = full.slice(filler.length) + readFileSync(file, 'utf8');
  await eventually(() => written === service.output(), 'the same lines in both');
});

it('a file that cannot be opened prevents the start, which names the variable', async () => {
  file = folder;
  await expect(start()).rejects.toThrow('LOG_FILE cannot be written: EISDIR');
});

const onLinux = existsSync('/dev/full') ? it : it.skip;
onLinux('a file that cannot be written any more fails no request', async () => {
  file = '/dev/full';
  const service = await start();
  expect((await service.anonymous.get('products')).status).toBe(200);
  expect(await service.terminate()).toBe(0);
  expect(service.output()).toContain('LOG_FILE cannot be written: ENOSPC');
});
