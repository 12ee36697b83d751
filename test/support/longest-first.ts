import { statSync } from 'node:fs';
import { basename } from 'node:path';

/** Files that take longest, in that order. Those that mostly wait leave the processor to the files beside them. */
const LONGEST = [
  'processing-crash', // waits
  'mail-delivery', // waits
  'embedded-postgres',
  'database-network', // waits
  'mail-crash', // waits
  'gateway', // waits
  'chaos',
  'database-restart', // waits
  'shutdown',
  'log-file',
];

interface TestFile {
  path: string;
}

/** The order in which Jest starts files: those that take longest, then the larger ones, so that small ones fill the end. */
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
