import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, any = '', text = ''] = readFileSync(join(__dirname, 'payloads.txt'), 'utf8').split(/^# (?:any|text): .*\n/m);
const linesOf = (section: string) => section.split('\n').filter(Boolean);

/** JSON texts, some of them broken, for every field and parameter, whatever it takes. */
export const PAYLOADS: readonly string[] = [
  ...linesOf(any),
  // A line break in a string, and nothing at all.
  '"\n"',
  '',
  `1${'0'.repeat(1000)}`,
  `[${'1,'.repeat(100)}1]`,
  ...[21, 100, 1500].flatMap((depth) => [nested('[', ']', depth), nested('{"a":', '}', depth)]),
];

/** More that takes long to send and to read. */
export const HUGE: readonly string[] = [
  `[${'{"product_id":1,"quantity":1},'.repeat(10_000)}{}]`,
  `{${Array.from({ length: 10_001 }, (_, index) => `"k${index}":1`)}}`,
  JSON.stringify('a'.repeat(1_000_000)),
  nested('[', ']', 50_000),
  nested('{"a":', '}', 50_000),
];

/** More for what takes text. */
export const TEXTS: readonly string[] = [
  ...linesOf(text),
  ...[
    `${'a'.repeat(65)}@example.com`,
    '\u0301'.repeat(40),
    'x\ufe0f'.repeat(120),
    'a'.repeat(255),
    '👍'.repeat(1000),
  ].map((long) => JSON.stringify(long)),
];

function nested(open: string, close: string, depth: number): string {
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

/** Texts for an address that no encoding makes. */
export const BAD_ENCODINGS: readonly string[] =
  '% %E0%A4%A %ED%A0%80 %C0%AF %FF %u0041 %00 %2e%2e%2f %2F %5C %25 %3F'.split(' ');
