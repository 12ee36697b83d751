/**
 * Compiles `src` to `dist`: `npm run build`. Every file is made aside and renamed to its place, so that a process that
 * runs from `dist`, or a second build at the same time, finds each of them whole at any moment.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const OUTPUT = 'dist';

/** Paths of all files below a folder, relative to it. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));

const draft = mkdtempSync(`${OUTPUT}-new-`);
try {
  const options = ['--out-dir', draft, '--strip-leading-paths', '--copy-files', '--ignore', '**/*.d.ts'];
  const { status, error } = spawnSync('swc', ['src', ...options], { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error('swc found errors.');
  const files = filesIn(draft);
  for (const file of files) {
    mkdirSync(dirname(join(OUTPUT, file)), { recursive: true });
    renameSync(join(draft, file), join(OUTPUT, file));
  }
  const current = new Set(files);
  for (const file of filesIn(OUTPUT)) if (!current.has(file)) rmSync(join(OUTPUT, file), { force: true });
} finally {
  rmSync(draft, { recursive: true, force: true });
}
