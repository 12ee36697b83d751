import type { OpenAPIObject } from '@nestjs/swagger';
import Ajv, { type ErrorObject } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Answer } from './client';

type PathItem = OpenAPIObject['paths'][string];
export type OpenApiOperation = NonNullable<PathItem['get']>;
type Documented<T> = Exclude<T, { $ref: string } | undefined>;
type Response = Documented<OpenApiOperation['responses'][string]>;
type Header = Documented<NonNullable<Response['headers']>[string]>;

/** An operation of the document and where it stands in it. */
export interface DocumentedOperation {
  /** Such as `GET /api/v1/orders/{id}`. */
  name: string;
  method: string;
  path: string;
  operation: OpenApiOperation;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Pages and files for people's browsers: not part of the API. */
const PAGES = /^\/(docs|redoc|openapi\.json)(\/|$)/;

/** What the server itself says to a request that no route has seen: the same for every address, so no operation lists it. */
const BEFORE_ROUTING = new Set([405, 408, 414, 431]);

/**
 * What the service promises in its own `/openapi.json`, to hold requests and answers against: a field, status, type or
 * header that is not documented is a mistake, in the service or in the document.
 */
export class Contract {
  readonly operations: DocumentedOperation[];
  // Every spec file compiles its schemas anew: to optimise their code takes longer than it then saves.
  private readonly ajv = new Ajv({ strict: false, validateFormats: true, code: { optimize: false } });
  private readonly routes: { pattern: RegExp; path: string }[];

  constructor(readonly document: OpenAPIObject) {
    addFormats(this.ajv);
    this.ajv.addSchema({ $id: 'openapi', ...(closed(document) as object) });
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.flatMap((method) => {
        const operation = item[method];
        return operation ? [{ name: `${method.toUpperCase()} ${path}`, method, path, operation }] : [];
      }),
    );
    // Literal segments come before parameters, as in the router.
    this.routes = Object.keys(document.paths)
      .sort((a, b) => a.split('{').length - b.split('{').length)
      .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`) }));
  }

  /** Fails, naming operation, status and field, unless the document allows this answer to a request. */
  check(method: string, url: URL, answer: Answer): void {
    if (PAGES.test(url.pathname)) return;
    const path = this.routes.find(({ pattern }) => pattern.test(url.pathname))?.path;
    const documentedMethod = method === 'HEAD' ? 'get' : method.toLowerCase();
    const found = this.operations.find((known) => known.path === path && known.method === documentedMethod);
    const mistake =
      this.mistakeInEvery(answer) ??
      (found && !BEFORE_ROUTING.has(answer.status)
        ? this.mistakeIn(found, answer, method === 'HEAD')
        : this.mistakeOutside(answer));
    if (mistake) throw new Error(`${method} ${path ?? url.pathname} ${answer.status}: ${mistake}`);
  }

  /** What is wrong with `value` by the schema at this place of the document; undefined if nothing is. */
  mistakeBySchema(pointer: string[], value: unknown): string | undefined {
    const escaped = pointer.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')));
    const validate = this.ajv.getSchema(`openapi#/${escaped.join('/')}`);
    if (!validate) throw new Error(`The document has no schema at ${pointer.join(' ')}`);
    return validate(value) ? undefined : validate.errors?.map(describe).join('; ');
  }

  private mistakeInEvery({ headers }: Answer): string | undefined {
    return headers.get('x-request-id') ? undefined : 'the header X-Request-Id is missing';
  }

  /** Nothing but errors may come from addresses and methods that are not documented. */
  private mistakeOutside({ status, headers, body }: Answer): string | undefined {
    if (status < 400) return 'is not documented';
    if (typeOf(headers) !== 'application/problem+json') return `is ${typeOf(headers)}, not application/problem+json`;
    return this.mistakeBySchema(['components', 'schemas', 'Problem'], body);
  }

  private mistakeIn({ path, method, operation }: DocumentedOperation, answer: Answer, head: boolean) {
    const { status, headers, body } = answer;
    const response = operation.responses[status] as Response | undefined;
    if (!response) return `is not documented (but ${Object.keys(operation.responses).join(', ')})`;
    const missing = this.requiredHeaders(response).find((name) => !headers.get(name));
    if (missing) return `the header ${missing} is missing`;
    if (head) return undefined;
    if (!response.content) return body === '' ? undefined : 'has a body, but none is documented';
    const type = typeOf(headers);
    if (!response.content[type]) return `is ${type}, not ${Object.keys(response.content).join(' or ')}`;
    return this.mistakeBySchema(['paths', path, method, 'responses', `${status}`, 'content', type, 'schema'], body);
  }

  private requiredHeaders({ headers = {} }: Response): string[] {
    const common = this.document.components?.headers ?? {};
    return Object.entries(headers)
      .map(([name, header]) => [name, '$ref' in header ? common[header.$ref.split('/').at(-1) as string] : header])
      .filter(([, header]) => (header as Header | undefined)?.required)
      .map(([name]) => name as string);
  }
}

const contracts = new Map<string, Promise<Contract | undefined>>();
/** Services with the same document share what was compiled of it. */
const byText = new Map<string, Contract>();

/** The contract of the service at this address, read once; undefined where it is told not to serve its document. */
export function contractOf(origin: string): Promise<Contract | undefined> {
  const known = contracts.get(origin);
  if (known) return known;
  const reading = read(origin);
  contracts.set(origin, reading);
  reading.catch(() => contracts.delete(origin));
  return reading;
}

async function read(origin: string): Promise<Contract | undefined> {
  const response = await fetch(new URL('/openapi.json', origin));
  if (response.status === 404) return undefined;
  const text = await response.text();
  const contract = byText.get(text) ?? new Contract(JSON.parse(text) as OpenAPIObject);
  byText.set(text, contract);
  return contract;
}

const typeOf = (headers: Headers) => headers.get('content-type')?.split(';', 1)[0] ?? 'without a type';

/** Ajv's error as `/items/0/price must be integer`, with the name of a field that should not be there. */
function describe({ instancePath, message, params }: ErrorObject): string {
  const extra = params.unevaluatedProperty ?? params.allowedValues?.join(', ');
  return `${instancePath || 'the body'} ${message}${extra ? ` (${extra})` : ''}`;
}

/**
 * A copy in which schemas refuse properties that they do not name, and `nullable` of OpenAPI 3.0 is said in JSON Schema.
 * A branch of an `allOf` only narrows; it is its parent that knows all properties.
 */
function closed(value: unknown, branch = false): unknown {
  if (Array.isArray(value)) return value.map((part) => closed(part, branch));
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...schema } = Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'example' && key !== 'examples')
      .map(([key, part]) => [key, closed(part, key === 'allOf')]),
  );
  const isObject = (schema.type === 'object' && schema.properties) || schema.allOf;
  if (isObject && !branch && schema.additionalProperties === undefined) schema.unevaluatedProperties = false;
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema;
}
