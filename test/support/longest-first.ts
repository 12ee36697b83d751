import { statSync } from 'node:fs';
import { basename } from 'node:path';

/** Those that take longest: some wait for leases, timeouts and back-off, and beside each of them others can work. */
const LONGEST = [
  'processing-crash', // waits
  'mail-delivery', // waits
  'chaos',
  'embedded-postgres',
  'mail-crash', // waits
  'bad-input',
  'database-network', // waits
  'processes',
  'gateway', // waits
];

interface TestFile {
  path: string;
}

/** The order in which Jest begins files: first those that take longest, then the larger ones, so that it ends with many small ones. */
export default class LongestFirst {
  sort(files: TestFile[]): TestFile[] {
    const rank = ({ path }: TestFile) => {
      const place = LONGEST.indexOf(basename(path, '.spec.ts'));
      return place < 0 ? -statSync(path).size : place - Number.MAX_SAFE_INTEGER;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }

  /** Called by Jest with how long each file took; this order needs no memory. */
  cacheResults(): void {}
}
