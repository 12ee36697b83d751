import { readFileSync } from 'node:fs';

/** A row of the table of guards in `docs/reliability.md`. */
export interface Guard {
  name: string;
  /** Below `src`. */
  files: string[];
  /** Each goes red without the guard; `spec` below `test`. */
  tests: { spec: string; title: string }[];
}

/** The table of guards: what, where in the code, and the tests that go red without it. */
export function readGuards(): Guard[] {
  const section = readFileSync('docs/reliability.md', 'utf8').split('\n## Guards\n')[1] ?? '';
  const rows = section.split('\n').filter((line) => /^\| ./.test(line));
  return rows.slice(1).map((line) => {
    const [name, where, tests] = line.slice(2, -2).split(' | ') as [string, string, string];
    return {
      name,
      files: [...where.matchAll(/`([\w/-]+\.[\w.-]+)`/g)].map(([, file]) => file as string),
      tests: tests.split('<br>').map((test) => {
        const [, spec = '', title = ''] = /^`([\w/-]+\.spec\.ts)`: (.+)$/.exec(test) ?? [];
        return { spec, title };
      }),
    };
  });
}
