import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

/** The folders of `src` that each folder imports from, itself apart. Lower layers first: no folder imports one below it. */
const IMPORTS: Record<string, string[]> = {
  tools: [],
  errors: [],
  access: ['errors'],
  observability: ['access', 'errors'],
  http: ['errors', 'observability'],
  config: ['errors', 'http'],
  database: ['config', 'errors'],
  queue: ['config', 'database', 'errors'],
  scheduling: ['config', 'errors'],
  events: ['config', 'database', 'errors', 'scheduling'],
  idempotency: ['access', 'errors', 'scheduling'],
  'rate-limit': ['config', 'errors', 'http', 'observability'],
  stock: ['access', 'database'],
  users: ['access', 'config', 'database', 'errors', 'events', 'http', 'observability', 'rate-limit'],
  clients: ['access', 'errors', 'http', 'observability'],
  auth: ['access', 'clients', 'config', 'errors', 'http', 'observability', 'rate-limit', 'users'],
  products: ['access', 'config', 'database', 'errors', 'http', 'observability', 'stock'],
  orders: [
    ...['access', 'config', 'database', 'errors', 'events', 'http', 'idempotency', 'observability', 'products'],
    ...['scheduling', 'stock', 'users'],
  ],
  processing: ['access', 'config', 'errors', 'observability', 'orders', 'queue', 'scheduling'],
  notifications: ['access', 'config', 'database', 'events', 'http', 'observability', 'orders', 'queue', 'users'],
  feed: ['access', 'config', 'database', 'errors', 'events', 'http', 'observability'],
  metrics: ['access', 'config', 'errors', 'http', 'observability', 'orders'],
  health: ['access', 'config', 'http'],
  openapi: ['config', 'errors', 'orders'],
};

/** What belongs to its folder alone. */
const PRIVATE = /\.(controller|dto)$/;

/** DTOs that are part of a noun's public shape: a user is shown by the login answer as well. */
const PUBLIC_DTOS = new Set(['users/user-request.dto', 'users/user-response.dto']);

const SRC = resolve(__dirname, '../../src');

interface Import {
  file: string;
  from: string;
  /** Path below `src`, without its ending. */
  path: string;
  to: string;
}

/** Every import of one folder of `src` from another. */
const imports: Import[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file.includes(sep))
  .flatMap((file) => {
    const from = file.split(sep)[0] as string;
    return [...readFileSync(join(SRC, file), 'utf8').matchAll(/from '(\.[^']+)'/g)]
      .map(([, path]) => relative(SRC, resolve(SRC, file, '..', path as string)).replaceAll(sep, '/'))
      .map((path) => ({ file, from, path, to: path.split('/')[0] as string }))
      .filter(({ to }) => to !== from);
  });

it('folders import only what the table allows', () => {
  const offenders = imports.filter(({ from, to }) => !IMPORTS[from]?.includes(to));
  expect(offenders.map(({ file, path }) => `${file} imports ${path}`)).toEqual([]);
});

it('the table allows no import that does not exist', () => {
  const unused = Object.entries(IMPORTS).flatMap(([from, targets]) =>
    targets.filter((to) => !imports.some((one) => one.from === from && one.to === to)).map((to) => `${from} -> ${to}`),
  );
  expect(unused).toEqual([]);
});

it('the table lists every folder, and lower layers first', () => {
  const folders = Object.keys(IMPORTS);
  const present = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.toSorted()).toEqual(present.map(({ name }) => name).toSorted());
  for (const [index, folder] of folders.entries())
    expect([folder, IMPORTS[folder]?.filter((to) => folders.indexOf(to) >= index)]).toEqual([folder, []]);
});

it('controllers and DTOs are imported by their own folder only', () => {
  const offenders = imports.filter(({ path }) => PRIVATE.test(path) && !PUBLIC_DTOS.has(path));
  expect(offenders.map(({ file, path }) => `${file} imports ${path}`)).toEqual([]);
});
