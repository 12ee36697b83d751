import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

/** Compiles the sources as they are now into a folder of its own: experiments never run a stale build. */
export function buildService(): string {
  const folder = mkdtempSync(join(ROOT, 'dist-test-'));
  const swc = join(ROOT, 'node_modules/.bin/swc');
  execFileSync(swc, ['src', '-d', folder, '--strip-leading-paths', '--copy-files', '--quiet'], { cwd: ROOT });
  return folder;
}
