/**
 * Takes each guard of `docs/reliability.md` out of a copy of this tree, and holds its tests to go red: `npm run guards`, or
 * `npm run guards -- <words of names>` for some of them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Edit, MUTATIONS } from './mutations.ts';
import { type Guard, readGuards } from './table.ts';

interface TestResult {
  fullName: string;
  status: 'passed' | 'failed' | 'pending';
  failureMessages: string[];
}

/** Without a guard most conditions are never met: longer than any of them takes with it, on a machine that is not busy. */
const IMPATIENT = { TEST_PATIENCE_SECONDS: '90' };

const LEFT_BEHIND = /^(node_modules|coverage|dist.*|\.git|\.data|\.env.*)$/;

function copyTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'orders-guards-'));
  const filter = (path: string) => !LEFT_BEHIND.test(path);
  cpSync('.', tree, { recursive: true, filter });
  symlinkSync(join(process.cwd(), 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

/** A title with what `it.each` puts into it, as a pattern. */
const patternOf = (title: string) =>
  title
    .split(/%[sdij]|\$\{?\w+\}?/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');

/** Runs these tests; no result at all when a file of theirs could not be loaded, or the database not be made. */
function run(tree: string, tests: Guard['tests'], settings: NodeJS.ProcessEnv = {}): TestResult[] {
  const specs = [...new Set(tests.map(({ spec }) => join('test', spec)))];
  const report = join(tree, 'report.json');
  const titles = tests.map(({ title }) => patternOf(title)).join('|');
  const jest = [
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--json',
    '--outputFile=report.json',
    '--setupFilesAfterEnv=./test/guards/setup.ts',
    '--runTestsByPath',
    ...specs,
    '-t',
    `(${titles})$`,
  ];
  rmSync(report, { force: true });
  spawnSync(process.execPath, jest, { cwd: tree, env: { ...process.env, ...settings } });
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(
      ({ assertionResults }: { assertionResults: TestResult[] }) => assertionResults,
    );
  } catch {
    return [];
  }
}

/** It began, and failed. */
const isRed = ({ status, failureMessages }: TestResult) =>
  status === 'failed' && !failureMessages.some((message) => message.includes('No test has begun'));

/** The named tests of which none, for whatever values, is `state`. */
const without = (state: (result: TestResult) => boolean, tests: Guard['tests'], results: TestResult[]) =>
  tests.filter(({ title }) => {
    const named = new RegExp(`(^| )${patternOf(title)}$`);
    return !results.some((result) => named.test(result.fullName) && state(result));
  });

/** Tests that are red without what this mutation takes out; null when there is nothing to take out. */
function redWithout(tree: string, guard: Guard, edits: Edit[]): Guard['tests'] | null {
  const originals = new Map(edits.map(({ file }) => [file, readFileSync(join(tree, 'src', file), 'utf8')]));
  try {
    for (const { file, find, replace } of edits) {
      const path = join(tree, 'src', file);
      const parts = readFileSync(path, 'utf8').split(find);
      if (parts.length !== 2) return null;
      writeFileSync(path, parts.join(replace));
    }
    const green = without(isRed, guard.tests, run(tree, guard.tests, IMPATIENT));
    return guard.tests.filter((test) => !green.includes(test));
  } finally {
    for (const [file, text] of originals) writeFileSync(join(tree, 'src', file), text);
  }
}

/** Each mutation must turn a test red, and each test must be turned red by one of them. */
function verdictOn(tree: string, guard: Guard): string {
  const missed = new Set(guard.tests);
  for (const [index, edits] of (MUTATIONS[guard.name] ?? [[]]).entries()) {
    const red = redWithout(tree, guard, [edits].flat());
    if (!red) return `mutation ${index + 1} no longer applies`;
    if (red.length === 0) return `still green without ${[edits].flat()[0]?.find.trim() ?? 'anything'}`;
    for (const test of red) missed.delete(test);
  }
  return missed.size === 0 ? 'red' : `still green: ${[...missed].map(({ title }) => title).join('; ')}`;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

const words = process.argv.slice(2).join(' ').toLowerCase();
const guards = readGuards().filter(({ name }) => name.toLowerCase().includes(words));
const tree = copyTree();
try {
  const tests = guards.flatMap((guard) => guard.tests);
  const results = run(tree, tests);
  const broken = results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  broken.push(
    ...without(({ status }) => status !== 'pending', tests, results).map(({ title }) => `${title} (not run)`),
  );
  say(`${tests.length} tests as they are: ${broken.length === 0 ? 'green' : `red: ${broken.join('; ')}`}`);
  const verdicts = guards.map((guard, index) => {
    const verdict = verdictOn(tree, guard);
    say(`${index + 1}/${guards.length} ${guard.name}: ${verdict}`);
    return [guard.name, verdict] as const;
  });
  say(['', '| Guard | Without it |', '|---|---|', ...verdicts.map((cells) => `| ${cells.join(' | ')} |`)].join('\n'));
  process.exitCode = broken.length === 0 && verdicts.every(([, verdict]) => verdict === 'red') ? 0 : 1;
} finally {
  rmSync(tree, { recursive: true });
}
