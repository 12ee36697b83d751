import { startApp, type TestApp } from '../support/app';
import type { Answer } from '../support/client';
import { type Contract, contractOf } from '../support/contract';

let app: TestApp;
let contract: Contract;
let product: Answer;
let created: Answer;
let missing: Answer;
beforeAll(async () => {
  app = await startApp();
  contract = (await contractOf(app.origin)) as Contract;
  created = await app.admin.post('products', { name: 'Lamp', price_cents: 1999, stock: 1 });
  product = await app.anonymous.get(`products/${created.body.id}`);
  missing = await app.anonymous.get('products/99');
});
afterAll(() => app.close());

const check = (method: string, path: string, answer: Answer) => () =>
  contract.check(method, new URL(path, app.origin), answer);
const checkProduct = (changes: object) => check('GET', '/api/v1/products/1', { ...product, ...changes });
const without = (headers: Headers, name: string) => {
  const rest = new Headers(headers);
  rest.delete(name);
  return rest;
};

it('lets pass what is documented', () => {
  expect(checkProduct({})).not.toThrow();
  expect(checkProduct({ body: { ...product.body, stock: null } })).not.toThrow();
  expect(check('HEAD', '/api/v1/products/1', { ...product, body: '' })).not.toThrow();
  expect(check('GET', '/api/v1/products/99', missing)).not.toThrow();
  expect(check('GET', '/nowhere', missing)).not.toThrow();
});

it('names operation, status and field of what is not', () => {
  const { name: _, ...nameless } = product.body;
  expect(checkProduct({ status: 202 })).toThrow('GET /api/v1/products/{id} 202: is not documented');
  expect(checkProduct({ body: { ...product.body, password_hash: 'x' } })).toThrow(
    'GET /api/v1/products/{id} 200: the body must NOT have unevaluated properties (password_hash)',
  );
  expect(checkProduct({ body: { ...product.body, stock: { ...product.body.stock, secret: 1 } } })).toThrow(
    '/stock must NOT have unevaluated properties (secret)',
  );
  expect(checkProduct({ body: nameless })).toThrow("must have required property 'name'");
  expect(checkProduct({ body: { ...product.body, price_cents: '5' } })).toThrow('/price_cents must be integer');
  expect(checkProduct({ body: { ...product.body, created_at: 'today' } })).toThrow('/created_at must match format');
  expect(
    checkProduct({ headers: new Headers({ 'content-type': 'text/html', 'x-request-id': 'a', etag: '"1"' }) }),
  ).toThrow('is text/html, not application/json');
});

it('misses headers that always have to be there', () => {
  expect(checkProduct({ headers: without(product.headers, 'x-request-id') })).toThrow('X-Request-Id is missing');
  const headers = without(created.headers, 'location');
  expect(check('POST', '/api/v1/products', { ...created, headers })).toThrow('Location is missing');
});

it('holds errors to the same', () => {
  const error = (changes: object) =>
    check('GET', '/api/v1/products/99', { ...missing, body: { ...missing.body, ...changes } });
  expect(error({ sql: 'SELECT' })).toThrow('GET /api/v1/products/{id} 404: the body must NOT have');
  expect(error({ code: 'OOPS' })).toThrow('/code must be equal to one of the allowed values');
});

it('lets addresses that are not documented answer with problems only', () => {
  expect(check('GET', '/nowhere', product)).toThrow('GET /nowhere 200: is not documented');
  expect(check('DELETE', '/api/v1/products/1', product)).toThrow('DELETE /api/v1/products/{id} 200: is not documented');
  const html = new Headers({ 'content-type': 'text/html', 'x-request-id': 'a', etag: '"1"' });
  expect(check('GET', '/nowhere', { ...missing, headers: html })).toThrow('is text/html, not application/problem+json');
});

it('is asked about every answer that a client gets', async () => {
  const check = jest.spyOn(contract, 'check').mockImplementation(() => {
    throw new Error('asked');
  });
  await expect(app.anonymous.get('products')).rejects.toThrow('asked');
  check.mockRestore();
});
