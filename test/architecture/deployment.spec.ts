import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { Config } from '../../src/config/config';
import { parseConfig } from '../../src/config/load';

const known = new Set(Object.keys(new Config()));
const { services, volumes } = parse(readFileSync('docker-compose.yml', 'utf8'));

const SET: Record<string, string> = {
  SECRET_KEY: 'a-signing-key-for-tests-of-32-bytes',
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'a long admin password',
};

/** Values as compose would put them in: `${NAME:-default}` is its default, `${NAME:?…}` something that was set. */
const environment = Object.fromEntries(
  Object.entries(services.service.environment).map(([name, value]) => [
    name,
    String(value)
      .replace(/\$\{\w+:-(.*)\}/, '$1')
      .replace(/\$\{(\w+):\?.*\}/, (_, set) => SET[set] ?? ''),
  ]),
);

it('docker-compose.yml sets variables that .env.example lists, to values that production accepts', () => {
  const listed = new Set([...readFileSync('.env.example', 'utf8').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name));
  expect(listed).toEqual(known);
  expect(Object.keys(environment).filter((name) => !listed.has(name))).toEqual([]);
  const config = parseConfig({ NODE_ENV: 'production', ...environment });
  expect([config.DOCS_ENABLED, config.DEMO_DATA]).toEqual([true, true]);
});

it('docker-compose.yml passes on the whole .env, but for what only fits its own network', () => {
  expect(services.service.env_file).toEqual([{ path: '.env', required: false }]);
  const fixed = Object.entries(services.service.environment).filter(([, value]) => !String(value).startsWith('${'));
  expect(fixed.map(([name]) => name)).toEqual(['APP_HOST', 'APP_PORT', 'DATABASE_URL', 'REDIS_URL']);
});

it('docker-compose.yml publishes nothing but the service to other machines', () => {
  for (const [name, { ports = [] }] of Object.entries<{ ports?: string[] }>(services))
    for (const port of ports) expect([name, name === 'service' || port.startsWith('127.0.0.1:')]).toEqual([name, true]);
});

it.each([
  [{ APP_PORT: '8123' }, '8123'],
  [{ PORT: '8124' }, '8124'],
  [{ APP_PORT: '8123', PORT: '8124' }, '8123'],
  [{}, '8000'],
])('the health check of the container asks the port of %j', async (env, port) => {
  const [, check = '[]'] = /^ {2}CMD (\[.*\])$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
  const [, ...args] = JSON.parse(check) as string[];
  const script = `globalThis.fetch = async (url) => { console.log(url); return { ok: true }; }; ${args.at(-1)}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
  expect(stdout).toBe(`http://127.0.0.1:${port}/health/live\n`);
});

it('production names all that it lacks, and does not start', () => {
  expect(() => parseConfig({ NODE_ENV: 'production' })).toThrow(/DATABASE_URL [\s\S]*SECRET_KEY [\s\S]*SMTP_URL /);
});

it('production has neither documentation nor demo data unless it is told to', () => {
  const { DOCS_ENABLED, DEMO_DATA, ...bare } = environment;
  const config = parseConfig({ NODE_ENV: 'production', ...bare });
  expect([config.DOCS_ENABLED, config.DEMO_DATA]).toEqual([false, false]);
});

it('docker-compose.yml waits for the healthy, and names only what it has', () => {
  for (const [name, { condition }] of Object.entries<{ condition: string }>(services.service.depends_on)) {
    expect(condition).toBe('service_healthy');
    expect(services[name].healthcheck.test[0]).toBe('CMD');
  }
  const hosts = Object.values(environment).flatMap((value) => (URL.canParse(value) ? [new URL(value).hostname] : []));
  expect(hosts.sort()).toEqual(['mail', 'postgres', 'redis']);
  expect(Object.keys(services)).toEqual(expect.arrayContaining(hosts));
  for (const { volumes: used = [] } of Object.values<{ volumes?: string[] }>(services)) {
    for (const volume of used) expect(volumes).toHaveProperty(volume.split(':')[0] as string);
  }
});

it('the container runs the service as npm run start:prod does', () => {
  const [, command] =
    /^CMD (\[.*\])$/m.exec(
      readFileSync('Dockerfile', 'utf8')
        .split(/^FROM /m)
        .at(-1) as string,
    ) ?? [];
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(`NODE_ENV=production exec ${JSON.parse(command as string).join(' ')}`).toBe(scripts['start:prod']);
  expect(scripts['start:prod']).toBe(`NODE_ENV=production ${scripts.start}`);
});

it('the Dockerfile copies what .dockerignore lets through, and ends as an ordinary user', () => {
  const sent = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  for (const path of sent) expect(path.includes('*') || existsSync(path)).toBe(true);
  const stage = readFileSync('Dockerfile', 'utf8')
    .split(/^FROM /m)
    .at(-1) as string;
  expect(stage).toMatch(/^USER node$/m);
  expect(stage).toMatch(/^CMD \["node", .*"dist\/main.js"\]$/m);
  expect(sent).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', 'src', 'tools', '.swcrc']));
});
