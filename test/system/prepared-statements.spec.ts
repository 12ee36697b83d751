import { DataSource } from 'typeorm';
import { prepared, runPrepared } from '../../src/database/prepared-statement';
import { startApp, type TestApp } from '../support/app';

let app: TestApp;
beforeAll(async () => {
  // Requests that come one after the other are all served by one connection.
  app = await startApp({ SERVICE_ROLE: 'api' });
});
afterAll(() => app.close());

const statements = async (): Promise<string[]> =>
  (await app.sql(`SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%FROM orders o%'`)).map(
    ({ statement }: { statement: string }) => statement,
  );

it('pages of a list share their statements, whatever their cursor, offset or limit', async () => {
  const lamp = await app.newProduct({ stock: null });
  for (let n = 0; n < 6; n++) await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  const { next_cursor } = (await app.admin.get('orders?limit=1')).body;
  const pages = (await statements()).length;
  const following: string[] = [];
  for (let page = 0; page < 100; page++) {
    const cursor = page % 5 ? following.at(-1) : next_cursor;
    const { body } = await app.admin.get(`orders?totals=false&limit=1&cursor=${cursor}`);
    following.push(body.next_cursor ?? next_cursor);
    await app.admin.get(`orders?totals=false&offset=${1 + (page % 18)}&limit=${1 + (page % 2)}`);
  }
  expect(new Set(following).size).toBeGreaterThan(3);
  expect((await statements()).length - pages).toBe(2);
});

it('a connection drops the statement that it has not used for longest, and prepares it again', async () => {
  const { manager } = app.nest.get(DataSource);
  const kept = async () => (await app.sql('SELECT count(*)::int FROM pg_prepared_statements'))[0].count;
  const run = (n: number) => runPrepared<{ n: number }>(manager, prepared(`SELECT ${n}::int AS n`), []);
  for (let n = 0; n < 100; n++) expect(await run(n)).toEqual([{ n }]);
  expect(await kept()).toBeLessThanOrEqual(64);
  expect(await run(0)).toEqual([{ n: 0 }]);
  expect(await run(99)).toEqual([{ n: 99 }]);
  expect(await kept()).toBeLessThanOrEqual(64);
});
