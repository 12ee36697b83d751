import './node-version';
import './source-maps';
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertDataFolder } from './config/development';
import { loadConfig } from './config/load';
import { migrate, revertMigration } from './database/data-source';
import { prepareDatabase } from './database-url';
import { StartError } from './errors/start-error';

/*
 * `npm run migration:run`, `migration:revert` and `migration:create -- <name>`: the first two on DATABASE_URL, or on the
 * embedded database of development.
 */
const FOLDER = 'src/database/migrations';

const say = (line: string) => process.stdout.write(`${line}\n`);

/** An empty migration, named in words separated by dashes. */
function create(name: string): void {
  if (!/^[a-z]+(-[a-z0-9]+)*$/.test(name))
    throw new StartError('Name the migration in small letters and dashes: npm run migration:create -- order-notes');
  const timestamp = Date.now();
  const className = name.replaceAll(/(?:^|-)(.)/g, (_, first: string) => first.toUpperCase());
  const path = join(FOLDER, `${timestamp}-${name}.ts`);
  writeFileSync(
    path,
    `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className}${timestamp} implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('');
  }
}
`,
    { flag: 'wx' },
  );
  say(`Created ${path}`);
}

async function onDatabase(work: (url: string) => Promise<string>): Promise<void> {
  const config = loadConfig();
  assertDataFolder(config);
  const stopDatabase = await prepareDatabase(config);
  try {
    say(await work(config.DATABASE_URL as string));
  } finally {
    await stopDatabase();
  }
}

const COMMANDS: Record<string, (name: string) => unknown> = {
  create,
  run: () =>
    onDatabase(async (url) => {
      const names = await migrate(url);
      return names.length > 0 ? `Ran ${names.join(', ')}` : 'Nothing to run: the database is up to date';
    }),
  revert: () =>
    onDatabase(async (url) => {
      const name = await revertMigration(url);
      return name ? `Reverted ${name}` : 'Nothing to revert: no migration has run';
    }),
};

async function main([command = '', name = '']: string[]): Promise<void> {
  if (!Object.hasOwn(COMMANDS, command)) throw new StartError('Commands: run, revert, create <name>');
  await COMMANDS[command]?.(name);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof StartError ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
});
