import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Config } from '../../src/config/config';
import { ADMIN, startApp, type TestApp } from '../support/app';

const README = readFileSync('README.md', 'utf8');
const SECURITY = readFileSync('SECURITY.md', 'utf8');
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));

let app: TestApp;
let folder: string;
beforeAll(async () => {
  app = await startApp({ DEMO_DATA: 'true' });
  folder = mkdtempSync(join(tmpdir(), 'readme-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await app.close();
});

/** The shell blocks below a heading. */
function blocks(heading: string): string[] {
  const section = README.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, block]) => block as string);
}

/** Runs the first order of the README, command by command, against `origin`; what it prints. */
async function firstOrder(origin: string): Promise<string> {
  mkdirSync(join(folder, '.data'), { recursive: true });
  writeFileSync(join(folder, '.data/admin-password'), ADMIN.password);
  const script = blocks('A first order by cURL').join('').replaceAll('http://localhost:8000', origin);
  return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder })).stdout;
}

it('the first order of the README goes through, command by command', async () => {
  const stdout = await firstOrder(app.origin);
  expect(stdout).toContain('"email":"john@example.com"');
  expect(stdout).toContain('"sku":"MOUSE-1"');
  expect(stdout).toContain('"queued":1');
  const { history } = JSON.parse(stdout.slice(stdout.lastIndexOf('{"history"')));
  expect(history.map(({ to_status }: { to_status: string }) => to_status)).toEqual([
    'pending',
    'processing',
    'completed',
  ]);
});

it('the first order goes through right after two runs of the demo, with the limits of a fresh checkout', async () => {
  const { AUTH_RATE_LIMIT_REQUESTS, RATE_LIMIT_REQUESTS } = new Config();
  const limits = {
    AUTH_RATE_LIMIT_REQUESTS: `${AUTH_RATE_LIMIT_REQUESTS}`,
    RATE_LIMIT_REQUESTS: `${RATE_LIMIT_REQUESTS}`,
  };
  const fresh = await startApp({ DEMO_DATA: 'true', ...limits });
  const env = { ...process.env, BASE_URL: fresh.origin, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };
  for (let run = 0; run < 2; run++) await promisify(execFile)(process.execPath, ['demo/demo.mts'], { env });
  expect(await firstOrder(fresh.origin)).toContain('"to_status":"completed"');
  await fresh.close();
});

it('every npm script and every file that the README or SECURITY.md names is there', () => {
  const named = [...README.matchAll(/npm\s+(?:run\s+)?([a-z:]+)/g)].map(([, name]) => name as string);
  expect(named).toEqual(expect.arrayContaining(['start', 'test', 'demo', 'start:dev', 'start:prod', 'lint', 'format']));
  expect(named).toEqual(expect.arrayContaining(['migration:create', 'migration:run', 'migration:revert', 'test:api']));
  expect(named.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([]);
  const linked = [...`${README}${SECURITY}`.matchAll(/\]\(((?!http)[^)]+)\)/g)].map(([, path]) => path as string);
  expect(linked.filter((path) => !existsSync(path))).toEqual([]);
});

it('docs/architecture.md names every folder of src, and no other', () => {
  const table = readFileSync('docs/architecture.md', 'utf8').split('| Folder |')[1]?.split('\n\n')[0] ?? '';
  const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => [
    ...(cell as string).matchAll(/`([\w-]+)`/g),
  ]);
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(named.map(([, name]) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
});
