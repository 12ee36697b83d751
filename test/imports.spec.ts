import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

/** Which folders of `src` a folder may import from, itself apart. */
const MAY_IMPORT: Record<string, string[]> = {
  common: [],
  config: ['common'],
  database: ['common', 'config'],
  jobs: ['common', 'config', 'database'],
  users: ['common', 'config', 'database', 'jobs'],
  products: ['common', 'config', 'database', 'jobs'],
  clients: ['common', 'config', 'database', 'jobs'],
  auth: ['common', 'config', 'database', 'jobs', 'users', 'clients'],
  notifications: ['common', 'config', 'database', 'jobs', 'users'],
  orders: ['common', 'config', 'database', 'jobs', 'users', 'products', 'notifications'],
  processing: ['common', 'config', 'database', 'jobs', 'users', 'products', 'notifications', 'orders'],
  metrics: ['common', 'config', 'database', 'jobs', 'users', 'products', 'notifications', 'orders', 'processing'],
  docs: ['common', 'config', 'orders'],
  health: ['common', 'config', 'database', 'jobs'],
};

/** What belongs to its folder alone. */
const PRIVATE = /\.(controller|dto)$/;

/** DTOs that are part of a noun's public shape: a user is shown by the login answer as well. */
const PUBLIC_DTOS = new Set(['users/user.dto']);

const SRC = resolve(__dirname, '../src');

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, path]) =>
    relative(SRC, resolve(file, '..', path as string))
      .split(sep)
      .join('/'),
  );
}

it('imports between folders go one way', () => {
  const offenders = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file.includes(sep))
    .flatMap((file) => {
      const folder = file.split(sep)[0] as string;
      return importsOf(join(SRC, file))
        .filter((path) => {
          const target = path.split('/')[0] as string;
          if (target === folder) return false;
          const allowed = MAY_IMPORT[folder]?.includes(target) && (!PRIVATE.test(path) || PUBLIC_DTOS.has(path));
          return !allowed;
        })
        .map((path) => `${file} imports ${path}`);
    });
  expect(offenders).toEqual([]);
});
