import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD } from '../support/build';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const PRODUCTION = { NODE_ENV: 'production', SECRET_KEY: 'a-signing-key-for-tests-of-32-bytes' };

it.each<[string, NodeJS.ProcessEnv, string?]>([
  ['APP_PORT', { APP_PORT: 'secret' }],
  ['SECRET_KEY', { SECRET_KEY: 'secret' }],
  ['DATABASE_URL', { ...PRODUCTION, SMTP_URL: 'smtp://secret' }],
  ['REDIS_URL', { REDIS_URL: 'secret' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: 'secret' }],
  ['CORS_ORIGINS', { CORS_ORIGINS: 'secret' }],
  ['RATE_LIMIT_WINDOW', {}, 'RATE_LIMIT_WINDOW=secret'],
])('ends before it starts anything, naming %s and not its value', async (variable, settings, file = '') => {
  writeFileSync(join(folder, '.env'), file);
  const env = { PATH: process.env.PATH, ...settings };
  const child = spawn(process.execPath, [join(BUILD, 'main.js')], { cwd: folder, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const [code] = await once(child, 'close');
  expect([code, readdirSync(folder)]).toEqual([1, ['.env']]);
  expect(output).toContain(variable);
  expect(output).not.toContain('secret');
});
