import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Config } from '../../src/config/config';
import { parseConfig } from '../../src/config/load';

const known = new Set(Object.keys(new Config()));
const { services, volumes } = parse(readFileSync('docker-compose.yml', 'utf8'));

const SET: Record<string, string> = {
  SECRET_KEY: 'x'.repeat(32),
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'a long admin password',
};

/** Values as compose would put them in: `${NAME:-default}` is its default, `${NAME:?…}` something that was set. */
const environment = Object.fromEntries(
  Object.entries<string>(services.service.environment).map(([name, value]) => [
    name,
    value.replace(/\$\{\w+:-(.*)\}/, '$1').replace(/\$\{(\w+):\?.*\}/, (_, set) => SET[set] ?? ''),
  ]),
);

it('docker-compose.yml sets variables that the service knows, to values that production accepts', () => {
  expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
  const config = parseConfig({ NODE_ENV: 'production', ...environment });
  expect([config.DOCS_ENABLED, config.DEMO_DATA]).toEqual([true, true]);
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

it('the container runs the service with the flags of npm start', () => {
  const [, command] =
    /^CMD (\[.*\])$/m.exec(
      readFileSync('Dockerfile', 'utf8')
        .split(/^FROM /m)
        .at(-1) as string,
    ) ?? [];
  const { start } = JSON.parse(readFileSync('package.json', 'utf8')).scripts;
  expect(JSON.parse(command as string).join(' ')).toBe(start.replace('exec ', ''));
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
  expect(sent).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', 'src', 'nest-cli.json', '.swcrc']));
});
