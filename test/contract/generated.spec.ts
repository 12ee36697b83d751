import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { configurationTable, envExample } from '../generated/configuration';
import { lifeOfAnOrder } from '../generated/life-of-an-order';
import { postmanCollection } from '../generated/postman';
import { startApp } from '../support/app';

/**
 * Files, or parts of them between two comments, that are made from the code. `npm run generate` writes them; a plain test
 * run compares.
 */
const GENERATE = process.env.GENERATE === 'true';

function expectFile(path: string, content: string): void {
  if (GENERATE) writeFileSync(path, content);
  const present = existsSync(path) ? readFileSync(path, 'utf8') : '';
  expect(hint(path, present)).toBe(hint(path, content));
}

/** The part of a Markdown file between `<!-- name -->` and `<!-- /name -->`. */
function expectPart(path: string, name: string, content: string): void {
  const whole = readFileSync(path, 'utf8');
  const part = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*(\n<!-- /${name} -->)`);
  expect(whole).toMatch(part);
  expectFile(
    path,
    whole.replace(part, (_, start, end) => `${start}\n${content}\n${end}`),
  );
}

const hint = (path: string, content: string) => `${path} is written by: npm run generate\n${content}`;

it('README.md tells every setting with its default', () => {
  expectPart('README.md', 'configuration', configurationTable());
});

it('.env.example has every setting with its default', () => {
  expectFile('.env.example', envExample());
});

it('docs/architecture.md draws the life of an order as the table of transitions has it', () => {
  expectPart('docs/architecture.md', 'life of an order', lifeOfAnOrder());
});

it('docs/postman_collection.json has every operation of the OpenAPI document', async () => {
  const app = await startApp();
  try {
    const { body } = await app.anonymous.get('/openapi.json');
    expectFile('docs/postman_collection.json', `${JSON.stringify(postmanCollection(body), null, 2)}\n`);
  } finally {
    await app.close();
  }
});
