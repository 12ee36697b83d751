import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTATIONS } from '../guards/mutations';
import { readGuards } from '../guards/table';

const GUARDS = readGuards();
const QUOTES = ["'", '"', '`'];
const read = (spec: string) => readFileSync(join('test', spec), 'utf8').replaceAll("\\'", "'");

it.each(GUARDS)('$name: it is there, and so are its tests', ({ files, tests }) => {
  expect(files.filter((file) => !existsSync(join('src', file)))).toEqual([]);
  for (const { spec, title } of tests) {
    const text = read(spec);
    expect([title, QUOTES.some((quote) => text.includes(`${quote}${title}${quote}`))]).toEqual([title, true]);
  }
});

it.each(GUARDS)('$name: it can be taken out', ({ name }) => {
  const edits = MUTATIONS[name]?.flat() ?? [];
  expect(edits).not.toEqual([]);
  for (const { file, find } of edits) {
    expect([find, readFileSync(join('src', file), 'utf8').split(find).length - 1]).toEqual([find, 1]);
  }
});

it('takes out no guard that is not in the table', () => {
  expect(Object.keys(MUTATIONS)).toEqual(GUARDS.map(({ name }) => name));
});

it('names dozens of guards', () => {
  expect(GUARDS.length).toBeGreaterThan(50);
});
