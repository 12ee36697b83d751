import type { OpenAPIObject } from '@nestjs/swagger';
import { operationsOf, type Response, type Schema } from './operations';

type Schemas = Record<string, Schema>;

/**
 * Gives every body an example, made of the examples of its fields. A field that may be left out and has no example is
 * left out: what Swagger UI would otherwise make up for it ("string", 0) would be refused.
 */
export function addExamples(document: OpenAPIObject): void {
  const schemas = document.components?.schemas as Schemas;
  for (const { operation } of operationsOf(document)) {
    for (const body of [operation.requestBody, ...Object.values(operation.responses)]) {
      for (const media of Object.values((body as Response | undefined)?.content ?? {}))
        media.example ??= exampleOf(media.schema as Schema, schemas);
    }
  }
}

/** What this schema's examples make up; undefined where there is nothing to show. */
function exampleOf(schema: Schema | { $ref: string }, schemas: Schemas): unknown {
  if ('$ref' in schema) return exampleOf(schemas[schema.$ref.split('/').at(-1) as string] as Schema, schemas);
  if (schema.example !== undefined) return schema.example;
  if (schema.properties) return exampleOfFields(schema, schemas);
  const [only] = schema.allOf ?? [];
  if (only) return exampleOf(only, schemas);
  if (schema.items) return [exampleOf(schema.items, schemas)];
  if (schema.nullable) return null;
  return schema.enum?.[0] ?? (schema.type === 'boolean' ? true : undefined);
}

function exampleOfFields({ properties = {}, required = [] }: Schema, schemas: Schemas): object {
  const shown = Object.entries(properties).filter(([name, field]) => required.includes(name) || 'example' in field);
  return Object.fromEntries(shown.map(([name, field]) => [name, exampleOf(field, schemas)]));
}
