import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The table of guards: what, where in the code, and the tests that go red without it. */
const ROWS = (readFileSync('docs/reliability.md', 'utf8').split('\n## Guards\n')[1] ?? '')
  .split('\n')
  .filter((line) => /^\| [A-Z]/.test(line))
  .slice(1)
  .map((line) => line.slice(2, -2).split(' | ') as [string, string, string]);

const QUOTES = ["'", '"', '`'];
const read = (spec: string) => readFileSync(join('test', spec), 'utf8').replaceAll("\\'", "'");

it.each(ROWS)('%s: it is there, and so are its tests', (_, where, tests) => {
  const files = [...where.matchAll(/`([\w/-]+\.[\w.-]+)`/g)].map(([, file]) => join('src', file as string));
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  for (const test of tests.split('<br>')) {
    const [, spec, title] = /^`([\w/-]+\.spec\.ts)`: (.+)$/.exec(test) ?? [];
    const text = read(spec as string);
    expect([test, QUOTES.some((quote) => text.includes(`${quote}${title}${quote}`))]).toEqual([test, true]);
  }
});

it('names dozens of guards', () => {
  expect(ROWS.length).toBeGreaterThan(50);
});
