import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BUILD } from '../support/build';
import { createDatabase, databaseUrl, dropDatabase } from '../support/database';
import { SETTINGS } from '../support/service';

const MIGRATIONS = 'src/database/migrations';
const COUNT = readdirSync(MIGRATIONS).length;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-commands-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs `migration:<command>` in the test's folder; what it says. */
async function migration(command: string[], settings: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = { PATH: process.env.PATH, ...SETTINGS, ...settings };
  const { stdout } = await promisify(execFile)(process.execPath, [join(BUILD, 'migration.js'), ...command], {
    cwd: folder,
    env,
  });
  return stdout.trim();
}

it('migration:run and migration:revert work on DATABASE_URL, one migration back at a time', async () => {
  const name = `migrations_${process.pid}`;
  await createDatabase(name);
  const settings = { DATABASE_URL: databaseUrl(name) };
  expect(await migration(['revert'], settings)).toBe('Nothing to revert: no migration has run');
  const all = await migration(['run'], settings);
  expect(all).toMatch(/^Ran Foundation1760000000000, /);
  expect(all.split(', ')).toHaveLength(COUNT);
  expect(await migration(['run'], settings)).toBe('Nothing to run: the database is up to date');
  const latest = all.split(', ').at(-1) as string;
  expect(await migration(['revert'], settings)).toBe(`Reverted ${latest}`);
  expect(await migration(['run'], settings)).toBe(`Ran ${latest}`);
  await dropDatabase(name);
});

it('migration:run works on the embedded database of development', async () => {
  expect(await migration(['run'], { DATA_DIR: join(folder, 'data') })).toMatch(/^Ran Foundation1760000000000, /);
});

it('migration:create makes an empty migration that TypeORM knows', async () => {
  mkdirSync(join(folder, MIGRATIONS), { recursive: true });
  expect(await migration(['create', 'order-notes-2'])).toMatch(/^Created .*\d{13}-order-notes-2\.ts$/);
  const [file = ''] = readdirSync(join(folder, MIGRATIONS));
  const text = readFileSync(join(folder, MIGRATIONS, file), 'utf8');
  expect(text).toContain(`export class OrderNotes2${file.slice(0, 13)} implements MigrationInterface`);
  for (const name of ['Order Notes', '', '../x'])
    await expect(migration(['create', name])).rejects.toMatchObject({ stderr: expect.stringContaining('Name the') });
});

it('a build replaces each file at once: whoever runs from dist finds it whole, also while two build', async () => {
  for (const name of ['src', 'tools', '.swcrc', 'package.json']) cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const env = { PATH: `${resolve('node_modules/.bin')}:${process.env.PATH}` };
  const build = () => promisify(execFile)(process.execPath, ['tools/build.mts'], { cwd: folder, env });
  await build();
  const files = ['main.js', 'openapi/pages.js', 'users/common-passwords.txt'].map((name) => join(folder, 'dist', name));
  const whole = files.map((file) => readFileSync(file, 'utf8'));
  let building = true;
  const builds = Promise.all([build(), build()]).finally(() => {
    building = false;
  });
  while (building) {
    expect(files.map((file) => readFileSync(file, 'utf8')).every((text, index) => text === whole[index])).toBe(true);
    await setImmediate();
  }
  await builds;
  expect(readdirSync(folder).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
});
