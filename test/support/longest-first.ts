import { statSync } from 'node:fs';
import { basename } from 'node:path';

/** They wait for leases, timeouts and back-off, beside which the others can work. */
const WAITING = [
  'processing-crash',
  'mail-delivery',
  'mail-crash',
  'database-network',
  'gateway',
  'chaos',
  'embedded-postgres',
];

interface TestFile {
  path: string;
}

/** The order in which Jest begins files: first those that wait, then the larger ones, so that it ends with many small ones. */
export default class LongestFirst {
  sort(files: TestFile[]): TestFile[] {
    const rank = ({ path }: TestFile) => {
      const waiting = WAITING.indexOf(basename(path, '.spec.ts'));
      return waiting < 0 ? -statSync(path).size : waiting - Number.MAX_SAFE_INTEGER;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }

  /** Called by Jest with how long each file took; this order needs no memory. */
  cacheResults(): void {}
}
