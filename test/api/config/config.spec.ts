import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config, listOf } from '../../../src/config/config';
import { loadConfig, parseConfig } from '../../../src/config/load';

const folders: string[] = [];
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

/** A folder with these files, to start in. */
function folder(files: Record<string, string> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'orders-config-'));
  folders.push(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

describe('where a setting comes from', () => {
  const files = {
    '.env': 'CURRENCY=EUR\nLOG_LEVEL=warn\nAPP_PORT=1001\n',
    '.env.test': 'LOG_LEVEL=error\nAPP_PORT=1002\n',
    '.env.production': 'LOG_LEVEL=fatal\n',
  };

  it('the environment wins over .env.<NODE_ENV>, which wins over .env, which wins over the default', () => {
    const config = loadConfig({ NODE_ENV: 'test', APP_PORT: '1003' }, folder(files));
    expect([config.APP_PORT, config.LOG_LEVEL, config.CURRENCY, config.DATABASE_POOL_SIZE]).toEqual([
      1003,
      'error',
      'EUR',
      16,
    ]);
  });

  it('development is the mode unless another is named', () => {
    const directory = folder({ ...files, '.env.development': 'LOG_LEVEL=debug\n' });
    expect(loadConfig({}, directory).LOG_LEVEL).toBe('debug');
    expect(loadConfig({ NODE_ENV: '' }, directory).LOG_LEVEL).toBe('debug');
  });

  it('an empty variable is one that is not set, and PORT is taken for APP_PORT', () => {
    expect(parseConfig({ CURRENCY: '', APP_PORT: '', PORT: '1004' })).toMatchObject({
      CURRENCY: 'USD',
      APP_PORT: 1004,
    });
  });

  it('what is not a setting is not read', () => {
    expect(parseConfig({ isDevelopment: 'secret', constructor: 'secret' } as never)).toEqual(parseConfig({}));
  });
});

it('lists are read word by word', () => {
  const config = parseConfig({ TRUSTED_PROXIES: '10.0.0.0/8, ::1', CORS_ORIGINS: 'https://shop.example' });
  expect([listOf(config.TRUSTED_PROXIES), listOf(config.CORS_ORIGINS)]).toEqual([
    ['10.0.0.0/8', '::1'],
    ['https://shop.example'],
  ]);
});

const KEY = 'a-signing-key-for-tests-of-32-bytes';
const REFUSED: [variable: string, settings: NodeJS.ProcessEnv][] = [
  ['NODE_ENV', { NODE_ENV: 'secret' }],
  ['SERVICE_ROLE', { SERVICE_ROLE: 'secret' }],
  ['APP_PORT', { APP_PORT: '70000' }],
  ['APP_PORT', { PORT: '0x10' }],
  ['DATABASE_URL', { DATABASE_URL: 'mysql://secret' }],
  ['DATABASE_URL', { NODE_ENV: 'production', SECRET_KEY: KEY, SMTP_URL: 'smtp://secret' }],
  ['DATABASE_POOL_SIZE', { DATABASE_POOL_SIZE: '1' }],
  ['SECRET_KEY', { SECRET_KEY: 'secret' }],
  ['SECRET_KEY', { SECRET_KEY: 'x'.repeat(32) }],
  ['SECRET_KEY', { SECRET_KEY: 'abcaabbccabcbacbabccbaacbbacbbcabca' }],
  ['SECRET_KEY', { SECRET_KEY: '0123456789abcdef'.repeat(4) }],
  ['SECRET_KEY', { SECRET_KEY: 'please-change-me-to-something-else' }],
  ['GATEWAY_SECRET', { GATEWAY_SECRET: 'abcabcabcabcabcabcabcabcabcabcabcabc' }],
  ['SHUTDOWN_DELAY_SECONDS', { SHUTDOWN_DELAY_SECONDS: '301' }],
  ['SECRET_KEY', { NODE_ENV: 'production', DATABASE_URL: 'postgres://secret', SMTP_URL: 'smtp://secret' }],
  ['FAILPOINT', { NODE_ENV: 'production', FAILPOINT: 'order-placed:1' }],
  ['ADMIN_EMAIL', { ADMIN_EMAIL: 'secret', ADMIN_PASSWORD: 'secret secret' }],
  ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'secret@example.com' }],
  ['CURRENCY', { CURRENCY: 'secret' }],
  ['LOG_LEVEL', { LOG_LEVEL: 'secret' }],
  ['DEMO_DATA', { DEMO_DATA: 'secret' }],
  ['RATE_LIMIT_REQUESTS', { RATE_LIMIT_REQUESTS: '0' }],
  ['RATE_LIMIT_WINDOW', { RATE_LIMIT_WINDOW: 'secret' }],
  ['AUTH_RATE_LIMIT_REQUESTS', { AUTH_RATE_LIMIT_REQUESTS: '-1' }],
  ['REDIS_URL', { REDIS_URL: 'http://secret' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: 'secret' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/33' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '0.0.0.0/0' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: 'true' }],
  ['CORS_ORIGINS', { CORS_ORIGINS: '*' }],
  ['CORS_ORIGINS', { CORS_ORIGINS: 'https://secret.example/' }],
  ['METRICS_TOKEN', { METRICS_TOKEN: 'secret' }],
  ['GATEWAY_URL', { GATEWAY_URL: 'http://user:secret@gateway.example/' }],
];

it.each(REFUSED)('refuses %s in %j', (variable, settings) => {
  expect(() => parseConfig(settings)).toThrow(new RegExp(`^ {2}- .*\\b${variable}\\b`, 'm'));
  expect(() => parseConfig(settings)).not.toThrow(/secret(?! in production)|70000|0x10|xxx|abc|please|\b33\b|\/0\b/);
});

it('takes random keys and phrases', () => {
  for (const key of [
    randomBytes(32).toString('base64'),
    randomBytes(16).toString('hex'),
    'a long phrase that nobody else has',
  ])
    expect(parseConfig({ SECRET_KEY: key }).SECRET_KEY).toBe(key);
});

it('names everything that is wrong at once', () => {
  expect(() => parseConfig({ APP_PORT: 'x', CURRENCY: 'y' })).toThrow(/APP_PORT[\s\S]*CURRENCY/);
});

it('knows its settings by the names that operators use', () => {
  expect(Object.keys(new Config()).every((name) => /^[A-Z][A-Z_]+$/.test(name))).toBe(true);
});
