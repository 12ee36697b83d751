import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN, startApp, type TestApp } from '../support/app';
import { eventually } from '../support/eventually';
import { examplesOf, type Known, mismatches, read } from '../support/examples';

/** The guide is the test: each of its requests is sent, in order, and must be answered as it says. */
const GUIDE = readFileSync('docs/coming-from.md', 'utf8');
const examples = examplesOf(GUIDE);

let app: TestApp;
const known: Known = new Map();
beforeAll(async () => {
  app = await startApp({ DEMO_DATA: 'true', RATE_LIMIT_REQUESTS: '300' });
  known.set('admin', (await app.anonymous.post('auth/login', ADMIN)).body.access_token);
});
afterAll(() => app.close());

it.each(examples)('$title', async ({ request, answer }) => {
  const { line, headers, body } = read(request, known);
  const [method = '', path = ''] = line.split(' ');
  if (body.startsWith('{')) headers['content-type'] = 'application/json';
  let wrong: string[] = [];
  const look = async () => {
    wrong = mismatches(await app.anonymous.with(headers).send(method, path, body || undefined), answer, known);
    return wrong.length === 0;
  };
  // What happens in the background takes its time: what is read is read until it is as the guide says.
  await (method === 'GET' ? eventually(look, line).catch(() => {}) : look());
  expect(wrong).toEqual([]);
});

/** The cells of every row of every table. */
const rows = [...GUIDE.matchAll(/^\| (?!There)(?!-)(.*) \|$/gm)].map(([, row]) => (row as string).split(' | '));

it('every row of the tables says what it was, what it is, what became safer, and where that is shown', () => {
  expect(rows.length).toBeGreaterThan(60);
  expect(rows.filter((cells) => cells.length !== 4 || cells.some((cell) => cell.trim() === ''))).toEqual([]);
});

it('what a row is shown by is an example of the guide, or a file', () => {
  const anchors = examples.map(
    ({ title }) =>
      `#${title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')}`,
  );
  const links = rows.flatMap(([, , , shown = '']) =>
    [...shown.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string),
  );
  expect(links.length).toBeGreaterThanOrEqual(rows.length);
  expect(links.filter((link) => !anchors.includes(link) && !existsSync(join('docs', link)))).toEqual([]);
  expect(anchors.filter((anchor) => !links.includes(anchor))).toEqual([]);
});
