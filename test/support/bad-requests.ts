import type { Schema } from '../../src/openapi/operations';
import type { ApiRequest } from './api-request';
import type { Contract, DocumentedOperation } from './contract';
import { BAD_ENCODINGS, HUGE, PAYLOADS, TEXTS } from './payloads';

type Path = (string | number)[];
type Reference = Schema | { $ref: string };

/** Changes a valid request into another that usually is not; `name` says how. */
export interface Mutation {
  name: string;
  apply(request: ApiRequest): ApiRequest;
}

/** Everything that is tried on this operation: each payload in each field and parameter, and what harms the request as a whole. */
export function mutationsOf(contract: Contract, documented: DocumentedOperation): Mutation[] {
  const { operation } = documented;
  const parameters = (operation.parameters ?? []) as { name: string; in: string; schema: Reference }[];
  const { content = {} } = (operation.requestBody ?? {}) as { content?: Record<string, { schema: Reference }> };
  const resolve = (schema: Reference): Schema =>
    '$ref' in schema
      ? (contract.document.components?.schemas?.[schema.$ref.split('/').at(-1) as string] as Schema)
      : schema;
  const fields = Object.values(content).flatMap(({ schema }) => fieldsOf(resolve(schema), resolve));
  return [
    ...parameters.flatMap((parameter) =>
      textsFor(resolve(parameter.schema)).map((text) => inParameter(parameter, text)),
    ),
    ...UNKNOWN.map((name) => inParameter({ name, in: 'query' }, '1')),
    ...fields.flatMap(({ path, schema }, index) => [
      without(path),
      ...(schema ? payloadsFor(schema) : ['1']).map((payload) => inBody(path, payload)),
      // Refused wherever they stand: one field is enough.
      ...(index === 0 ? HUGE : []).map((payload) => inBody(path, payload)),
    ]),
    ...(fields.length > 0 ? WHOLE_BODY : []),
  ];
}

/** Names that no field and no parameter has. */
const UNKNOWN = ['unknown', '__proto__', 'constructor', 'toString'];

/** The fields of a body with those of the objects in its lists, and, without a schema, some that it does not have. */
function fieldsOf(
  schema: Schema,
  resolve: (schema: Reference) => Schema,
  at: Path = [],
): { path: Path; schema?: Schema }[] {
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, reference]) => {
    const field = resolve(reference);
    const path = [...at, name];
    const inside = field.items ? fieldsOf(resolve(field.items), resolve, [...path, 0]) : [];
    return [{ path, schema: field }, ...inside];
  });
  return [...fields, ...UNKNOWN.map((name) => ({ path: [...at, name] }))];
}

/** Values at, and just beyond, the bounds of a schema, as JSON. */
function boundsOf({ minimum, maximum, minLength, maxLength, minItems, maxItems, enum: words = [] }: Schema): string[] {
  const numbers = [minimum, maximum].flatMap((bound) => (bound === undefined ? [] : [bound - 1, bound, bound + 1]));
  const lengths = [minLength, maxLength].flatMap((bound) => (bound === undefined ? [] : [bound - 1, bound, bound + 1]));
  const items = [minItems, maxItems].flatMap((bound) => (bound === undefined ? [] : [bound - 1, bound, bound + 1]));
  const strings = lengths
    .filter((length) => length >= 0)
    .flatMap((length) => ['a'.repeat(length), '👍'.repeat(length)]);
  const lists = items
    .filter((length) => length >= 0)
    .map((length) => Array(length).fill({ product_id: 1, quantity: 1 }));
  const others = words.flatMap((word) => [word, word.toUpperCase(), `${word} `, [word], `${word},${word}`]);
  return [...numbers, ...strings, ...lists, ...others].map((value) => JSON.stringify(value));
}

function payloadsFor(schema: Schema): string[] {
  const takesText = schema.type === 'string' && !schema.enum;
  return [...PAYLOADS, ...(takesText ? TEXTS : []), ...boundsOf(schema)];
}

/** The same as they go into an address or a header: what is text without its quotes, percent-encoded. */
function textsFor(schema: Schema): string[] {
  return [...new Set([...payloadsFor(schema).map((payload) => encoded(plain(payload))), ...BAD_ENCODINGS])];
}

function plain(payload: string): string {
  try {
    const value = JSON.parse(payload);
    return typeof value === 'string' ? value : payload;
  } catch {
    return payload;
  }
}

const encoded = (text: string) => encodeURIComponent(text.toWellFormed());

function inParameter({ name, in: place }: { name: string; in: string }, text: string): Mutation {
  return {
    name: `${place} ${name}=${shown(text)}`,
    apply: (request) => {
      if (place === 'header') return { ...request, headers: { ...request.headers, [name]: headerText(text) } };
      // Dots and nothing would be another address.
      if (place === 'path')
        return /^(\.|%2e)*$/i.test(text) ? request : { ...request, path: { ...request.path, [name]: text } };
      return { ...request, query: [...request.query.filter(([other]) => other !== name), [name, text]] };
    },
  };
}

/** What a header can carry: the rest cannot be sent by any client that keeps to HTTP. */
function headerText(text: string): string {
  const plain = BAD_ENCODINGS.includes(text) ? text : decodeURIComponent(text);
  return plain.replaceAll(/[^\t\x20-\x7e\xa0-\xff]/g, '?');
}

const isJson = (body: ApiRequest['body']) => body?.type === 'application/json';

function inBody(path: Path, payload: string): Mutation {
  return {
    name: `${path.join('.')}=${shown(payload)}`,
    apply: (request) =>
      isJson(request.body)
        ? withJson(request, (root) => put(root, path, MARK), payload)
        : withForm(request, (form) => form.set(String(path[0]), plain(payload))),
  };
}

function without(path: Path): Mutation {
  return {
    name: `without ${path.join('.')}`,
    apply: (request) =>
      isJson(request.body)
        ? withJson(request, (root) => put(root, path, undefined))
        : withForm(request, (form) => form.delete(String(path[0]))),
  };
}

const MARK = '\u0001payload\u0001';

function withJson(request: ApiRequest, change: (root: unknown) => void, payload = ''): ApiRequest {
  const root = JSON.parse((request.body as { bytes: Buffer }).bytes.toString());
  change(root);
  const text = JSON.stringify(root).replace(JSON.stringify(MARK), () => payload);
  return { ...request, body: { type: 'application/json', bytes: Buffer.from(text) } };
}

function put(root: unknown, path: Path, value: unknown): void {
  const parent = path.slice(0, -1).reduce((inside, key) => (inside as Record<string, unknown>)[key], root);
  // Assigning to `__proto__` would add no field.
  Object.defineProperty(parent, path.at(-1) as string, { value, enumerable: true, configurable: true });
}

function withForm(request: ApiRequest, change: (form: URLSearchParams) => void): ApiRequest {
  const { type, bytes } = request.body as { type: string; bytes: Buffer };
  const form = new URLSearchParams(bytes.toString());
  change(form);
  return { ...request, body: { type, bytes: Buffer.from(`${form}`) } };
}

const wholeBody = (name: string, change: (bytes: Buffer) => Buffer, type?: string): Mutation => ({
  name,
  apply: (request) => {
    const body = request.body as { type: string; bytes: Buffer };
    return { ...request, body: { type: type ?? body.type, bytes: change(body.bytes) } };
  },
});

const WHOLE_BODY: Mutation[] = [
  wholeBody('cut off', (bytes) => bytes.subarray(0, -1)),
  wholeBody('cut in half', (bytes) => bytes.subarray(0, bytes.length / 2)),
  wholeBody('nothing', () => Buffer.alloc(0)),
  wholeBody('something after it', (bytes) => Buffer.concat([bytes, Buffer.from('{}')])),
  wholeBody('twice', (bytes) => Buffer.concat([bytes, bytes])),
  wholeBody('in a list', (bytes) => Buffer.from(`[${bytes}]`)),
  wholeBody('in a string', (bytes) => Buffer.from(JSON.stringify(`${bytes}`))),
  wholeBody('a byte order mark', (bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes])),
  wholeBody('as UTF-16', (bytes) => Buffer.from(bytes.toString(), 'utf16le')),
  wholeBody('invalid UTF-8', (bytes) =>
    Buffer.concat([bytes.subarray(0, -2), Buffer.from([0xff, 0xc0]), bytes.subarray(-2)]),
  ),
  wholeBody('zeros', () => Buffer.alloc(1000)),
  wholeBody('2 MiB', () => Buffer.from(JSON.stringify('a'.repeat(2 ** 21)))),
  ...['null', '[]', '1', '"a"', 'true', '{}', '[[]]'].map((text) => wholeBody(`just ${text}`, () => Buffer.from(text))),
  ...[
    'text/plain',
    'application/xml',
    'application/x-yaml',
    'multipart/form-data',
    'application/json5',
    'nonsense',
    '*/*',
  ].map((type) => wholeBody(`as ${type}`, (bytes) => bytes, type)),
  wholeBody('as JSON with a charset', (bytes) => bytes, 'application/json; charset=utf-8'),
  wholeBody('as JSON in capitals', (bytes) => bytes, 'APPLICATION/JSON'),
  wholeBody('as a form', (bytes) => bytes, 'application/x-www-form-urlencoded'),
  wholeBody('as JSON', (bytes) => bytes, 'application/json'),
];

const shown = (text: string) => (text.length > 60 ? `${text.slice(0, 50)}… (${text.length})` : text);
