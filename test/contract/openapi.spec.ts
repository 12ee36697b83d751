import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { statesAfter } from '../../src/orders/order-status';
import { startApp, type TestApp } from '../support/app';

// biome-ignore lint/suspicious/noExplicitAny: a document is walked, not typed
type Any = any;

let app: TestApp;
let document: Any;
let ajv: Ajv;
let operations: { name: string; method: string; path: string; operation: Any }[];

beforeAll(async () => {
  app = await startApp();
  document = (await app.anonymous.get('/openapi.json')).body;
  const { schemas } = document.components;
  ajv = addFormats(new Ajv({ strict: false }));
  ajv.addSchema(JSON.parse(JSON.stringify({ $id: 'document', components: { schemas } }), nullable));
  operations = Object.entries<Any>(document.paths).flatMap(([path, item]) =>
    Object.entries<Any>(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method,
      path,
      operation,
    })),
  );
});
afterAll(() => app.close());

/** The operations of which `complaint` finds something to say. */
const offenders = (complaint: (entry: (typeof operations)[number]) => unknown) =>
  operations.flatMap((entry) => {
    const complaints = [complaint(entry)].flat().filter(Boolean);
    return complaints.map((text) => (text === true ? entry.name : `${entry.name}: ${text}`));
  });

it('the pages may load nothing from elsewhere, whatever their makers put into them', async () => {
  for (const path of ['/docs', '/redoc']) {
    const policy = (await app.anonymous.get(path)).headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'self';/);
    expect(policy).not.toMatch(/https?:/);
  }
});

it('without DOCS_ENABLED there is neither page nor document', async () => {
  const bare = await startApp({ DOCS_ENABLED: 'false' });
  try {
    for (const path of ['/docs', '/redoc', '/redoc/redoc.standalone.js', '/openapi.json']) {
      expect([path, (await bare.anonymous.get(path)).status]).toEqual([path, 404]);
      expect([path, (await app.anonymous.get(path)).status]).toEqual([path, 200]);
    }
  } finally {
    await bare.close();
  }
});

it('the document is valid OpenAPI 3.0', async () => {
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
});

it('every operation says what it does, in a group that is described', () => {
  const groups = new Set(document.tags.map(({ name }: Any) => name));
  expect(offenders(({ operation }) => !operation.summary || !operation.description)).toEqual([]);
  expect(offenders(({ operation }) => operation.tags?.length !== 1 || !groups.has(operation.tags[0]))).toEqual([]);
  expect(document.tags.filter(({ name, description }: Any) => !description || !used(name))).toEqual([]);
});

const used = (tag: string) => operations.some(({ operation }) => operation.tags.includes(tag));

it('every operation says who may call it, and what comes of it when it succeeds', () => {
  // An empty list would mean anybody: the document says that in so many words, by an empty requirement.
  expect(offenders(({ operation }) => !operation.security?.length)).toEqual([]);
  expect(
    offenders(({ operation }) => !Object.keys(operation.responses).some((status) => Number(status) < 300)),
  ).toEqual([]);
});

it('every operation has an id of its own', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

it('every parameter and every field of a body is described', () => {
  expect(
    offenders(({ operation }) =>
      (operation.parameters ?? []).filter(({ description }: Any) => !description).map(({ name }: Any) => name),
    ),
  ).toEqual([]);
  const requests = Object.entries<Any>(document.components.schemas).filter(([name]) => name.endsWith('Request'));
  const silent = requests.flatMap(([schema, { properties = {} }]) =>
    Object.entries<Any>(properties).flatMap(([name, field]) => (field.description ? [] : [`${schema}.${name}`])),
  );
  expect(silent).toEqual([]);
});

it('every operation documents the problems that the whole service promises', () => {
  expect(
    offenders(({ method, path, operation }) => {
      const expected = ['400'];
      if (method !== 'get') expected.push('413', '415');
      if (path.startsWith('/api/')) expected.push('429', '503');
      if (operation.security?.length > 0 && !operation.security.some(isNobody)) expected.push('401');
      if (path.includes('{')) expected.push('404');
      return expected.filter((status) => !operation.responses[status]);
    }),
  ).toEqual([]);
});

const isNobody = (requirement: object) => Object.keys(requirement).length === 0;

it('every error is problem+json and names the few codes it can have', () => {
  expect(
    offenders(({ operation }) =>
      Object.entries<Any>(operation.responses)
        .filter(([status, { content }]) => Number(status) >= 400 && !content?.['application/json'])
        .map(([status, { content }]) => {
          const { allOf } = content?.['application/problem+json']?.schema ?? {};
          const codes = allOf?.[1].properties.code.enum ?? [];
          return (codes.length === 0 || codes.length > 5) && `${status} ${codes}`;
        }),
    ),
  ).toEqual([]);
});

it('what is created says where, and every answer has its headers', () => {
  expect(offenders(({ operation }) => operation.responses[201] && !operation.responses[201].headers.Location)).toEqual(
    [],
  );
  expect(document.paths['/api/v1/orders'].post.responses[201].headers).toHaveProperty('Idempotent-Replayed');
  expect(document.paths['/api/v1/orders/{id}'].get.responses[200].headers).toHaveProperty('ETag');
  expect(document.paths['/api/v1/orders'].get.responses[401].headers).toHaveProperty('WWW-Authenticate');
  expect(document.paths['/api/v1/orders'].get.responses[429].headers).toHaveProperty('Retry-After');
});

it('every field of a response says what it is and has an example', () => {
  const undocumented = Object.entries<Any>(document.components.schemas)
    .filter(([name]) => !/(Request|Query)$/.test(name))
    .flatMap(([name, { properties = {} }]) =>
      Object.entries<Any>(properties).map(([field, schema]) => ({ field: `${name}.${field}`, schema })),
    )
    .filter(({ schema }) => !schema.description || (schema.example === undefined && !refersToSchema(schema)));
  expect(undocumented.map(({ field }) => field)).toEqual([]);
});

/** An object or a list of objects has the examples of its fields. */
const refersToSchema = (schema: Any): boolean => /"\$ref"/.test(JSON.stringify(schema));

it('every body has an example, and every example fits its schema', () => {
  expect(
    offenders(({ operation }) => {
      const bodies = [['request', operation.requestBody], ...Object.entries<Any>(operation.responses)];
      return bodies.flatMap(([where, body]) =>
        Object.values<Any>(body?.content ?? {}).map(({ schema, example }) => {
          const fits = validator(schema);
          return !fits(example) && `${where} ${JSON.stringify(fits.errors?.[0])} ${JSON.stringify(example)}`;
        }),
      );
    }),
  ).toEqual([]);
});

/** A validator of a schema of the document. */
function validator(schema: unknown): ValidateFunction {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'), nullable));
}

/** JSON Schema has no `nullable`. */
const nullable = (_: string, value: Any) => {
  if (typeof value !== 'object' || !value?.nullable) return value;
  const { nullable: _nullable, ...rest } = value;
  return { anyOf: [{ type: 'null' }, rest] };
};

it('the description tells the life of an order as the table of transitions has it', () => {
  for (const to of statesAfter('processing')) {
    expect(document.info.description).toMatch(new RegExp(`^- \`processing\`: .*→ \`${to}\``, 'm'));
  }
});
