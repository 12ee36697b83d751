import type { ApiRequest } from './api-request';
import type { Contract } from './contract';

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: { type?: string };
}

/** What is wrong with a request by the document and by what holds for every request; undefined if nothing is. */
export function mistakeIn(contract: Contract, request: ApiRequest): string | undefined {
  try {
    return mistakeInParameters(contract, request) ?? mistakeInBody(contract, request);
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  }
}

function mistakeInParameters(contract: Contract, request: ApiRequest): string | undefined {
  const { path, operation } = request.operation;
  const parameters = (operation.parameters ?? []) as Parameter[];
  const names = request.query.map(([name]) => decodeURIComponent(name));
  if (names.some(isReserved)) return 'it holds a reserved name';
  const unknown = names.find((given) => !parameters.some(({ name }) => name === given));
  // Outside of the API, balancers and scrapers add parameters of their own.
  if (unknown !== undefined && path.startsWith('/api/')) return `${unknown} is not a parameter`;
  const mistakes = parameters.map((parameter, index) => mistakeInParameter(contract, request, parameter, index));
  return mistakes.find((mistake) => mistake !== undefined);
}

function mistakeInParameter(contract: Contract, request: ApiRequest, parameter: Parameter, index: number) {
  const { name, schema, required } = parameter;
  const texts = textsOf(request, parameter);
  if (texts.length === 0 && !required) return undefined;
  if (!texts.every(isStorable)) return `${name} cannot be stored`;
  const value = schema.type === 'array' || texts.length > 1 ? texts : typed(schema, texts[0] as string);
  const { path, method } = request.operation;
  const mistake = contract.mistakeBySchema(['paths', path, method, 'parameters', `${index}`, 'schema'], value);
  return mistake && `${name}: ${mistake}`;
}

function textsOf({ path, query, headers }: ApiRequest, { name, in: place }: Parameter): string[] {
  if (place === 'path') return [decodeURIComponent(path[name] as string)];
  if (place === 'header') return headers[name] === undefined ? [] : [headers[name].trim()];
  const given = query.filter(([other]) => decodeURIComponent(other) === name);
  return given.map(([, text]) => decodeURIComponent(text.replaceAll('+', ' ')));
}

/** What a text in an address stands for by its schema. */
function typed({ type }: Parameter['schema'], text: string): unknown {
  if (type === 'integer' && /^-?(0|[1-9]\d{0,15})$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function mistakeInBody(contract: Contract, { operation: { path, method, operation }, body }: ApiRequest) {
  const documented = operation.requestBody as { content: Record<string, unknown>; required?: boolean } | undefined;
  if (!documented) return undefined;
  if (!body || body.bytes.length === 0) return documented.required ? 'the body is missing' : undefined;
  const type = body.type.split(';', 1)[0]?.trim().toLowerCase() as string;
  if (!documented.content[type]) return `${type} is not a type of this body`;
  if (body.bytes.length > 1_048_576) return 'the body is too large';
  const isJson = type === 'application/json';
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !isJson }).decode(body.bytes);
  const value = isJson ? JSON.parse(text) : formOf(text);
  const pointer = ['paths', path, method, 'requestBody', 'content', type, 'schema'];
  return mistakeInAny(value) ?? contract.mistakeBySchema(pointer, value);
}

function formOf(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  const names = [...new Set(form.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const all = form.getAll(name);
      return [name, all.length > 1 ? all : all[0]];
    }),
  );
}

/** What holds for every body, whatever its schema. */
function mistakeInAny(root: unknown): string | undefined {
  let level = [root];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 20) return 'it is nested too deep';
    values += level.length;
    if (values > 5000) return 'it holds too many values';
    const objects = level.filter((value) => typeof value === 'object' && value !== null) as Record<string, unknown>[];
    const keys = objects.flatMap((value) => Object.keys(value));
    if (keys.some(isReserved)) return 'it holds a reserved name';
    const texts = [...keys, ...level.filter((value) => typeof value === 'string')];
    if (!texts.every(isStorable)) return 'it holds text that cannot be stored';
    level = objects.flatMap((value) => Object.values(value));
  }
  return undefined;
}

const isReserved = (key: string) => key in Object.prototype || key === 'prototype';
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed();
