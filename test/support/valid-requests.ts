import fc from 'fast-check';
import type { Schema } from '../../src/openapi/operations';
import type { ApiRequest } from './api-request';
import type { Contract, DocumentedOperation } from './contract';

type Reference = Schema | { $ref: string };
interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  required?: boolean;
  schema: Reference;
}

/**
 * What a schema cannot say, and values that stand for something: arbitraries by schema (`OrderItemRequest`), field
 * (`PlaceOrderRequest.user_id`) or parameter (`/users/{id} id`, or just `cursor` for every list). null: never sent.
 */
export type Known = Record<string, fc.Arbitrary<unknown> | null>;

/** Makes requests that the document allows. */
export class ValidRequests {
  constructor(
    private readonly contract: Contract,
    private readonly known: Known,
  ) {}

  /** Any request for this operation. */
  of(documented: DocumentedOperation): fc.Arbitrary<ApiRequest> {
    const { operation, path } = documented;
    const parameters = (operation.parameters ?? []) as unknown as Parameter[];
    const record = (place: Parameter['in']) => {
      const here = parameters.filter((parameter) => parameter.in === place);
      return this.record(
        here.map(({ name, schema, required }) => ({
          name,
          required: required === true,
          value: this.lookUp([`${path.replace('/api/v1', '')} ${name}`, name]) ?? (() => this.value(schema)),
        })),
      );
    };
    return fc
      .record({ path: record('path'), query: record('query'), headers: record('header'), body: this.body(documented) })
      .map(({ path, query, headers, body }) => ({
        operation: documented,
        path: mapped(path, (value) => encodeURIComponent(String(value))),
        query: Object.entries(query).flatMap(([name, value]) =>
          [value].flat().map((one): [string, string] => [name, encodeURIComponent(String(one))]),
        ),
        headers: mapped(headers, String),
        ...(body && { body }),
      }));
  }

  private body({ operation }: DocumentedOperation): fc.Arbitrary<ApiRequest['body']> {
    const { content = {} } = (operation.requestBody ?? {}) as { content?: Record<string, { schema: Reference }> };
    const [[type, media] = []] = Object.entries(content);
    if (!type || !media) return fc.constant(undefined);
    return this.value(media.schema).map((value) => ({
      type,
      bytes: Buffer.from(
        type === 'application/json' ? JSON.stringify(value) : `${new URLSearchParams(value as Record<string, string>)}`,
      ),
    }));
  }

  private lookUp(names: string[]): (() => fc.Arbitrary<unknown> | null) | undefined {
    const name = names.find((candidate) => candidate in this.known);
    return name === undefined ? undefined : () => this.known[name] ?? null;
  }

  private record(
    fields: { name: string; required: boolean; value: () => fc.Arbitrary<unknown> | null }[],
  ): fc.Arbitrary<Record<string, unknown>> {
    const sent = fields.flatMap(({ value, ...field }) => {
      const arbitrary = value();
      return arbitrary ? [{ ...field, arbitrary }] : [];
    });
    return fc.record(Object.fromEntries(sent.map(({ name, arbitrary }) => [name, arbitrary])), {
      requiredKeys: sent.filter(({ required }) => required).map(({ name }) => name),
      noNullPrototype: true,
    });
  }

  /** Any value of this schema; `name` is that of the schema itself. */
  private value(schema: Reference, name = ''): fc.Arbitrary<unknown> {
    if ('$ref' in schema) {
      const referred = schema.$ref.split('/').at(-1) as string;
      return (
        this.known[referred] ?? this.value(this.contract.document.components?.schemas?.[referred] as Schema, referred)
      );
    }
    const { nullable, ...plain } = schema;
    if (nullable) return fc.option(this.value(plain as Schema));
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.allOf) return this.value(schema.allOf[0] as Reference);
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = 2 ** 31 - 1 } = schema;
    const { minItems = 0, maxItems = 3 } = schema;
    switch (schema.type) {
      case 'integer':
        return fc.integer({ min: minimum, max: maximum });
      case 'boolean':
        return fc.boolean();
      case 'array':
        return fc.array(this.value(schema.items as Reference), {
          minLength: minItems,
          maxLength: Math.min(maxItems, minItems + 3),
        });
      case 'string':
        return text(schema);
      default:
        return schema.properties
          ? this.object(schema, name)
          : fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
    }
  }

  private object({ properties = {}, required = [] }: Schema, name: string): fc.Arbitrary<unknown> {
    return this.record(
      Object.entries(properties).map(([field, schema]) => ({
        name: field,
        required: required.includes(field),
        value: this.lookUp([`${name}.${field}`]) ?? (() => this.value(schema)),
      })),
    );
  }
}

function text({ minLength = 0, maxLength = 200, pattern, format }: Schema): fc.Arbitrary<string> {
  if (format === 'email') return fc.uuid().map((id) => `${id}@example.com`);
  const expression = new RegExp(pattern ?? '', 'u');
  const texts = pattern?.startsWith('^')
    ? fc.stringMatching(expression)
    : fc.string({ unit: 'grapheme', minLength, maxLength });
  return texts.filter((candidate) => {
    const { length } = [...candidate];
    return length >= minLength && length <= maxLength && expression.test(candidate);
  });
}

const mapped = <T>(record: Record<string, unknown>, map: (value: unknown) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
