import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  isEmail,
  Length,
  Matches,
  Max,
  Min,
  registerDecorator,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';

/**
 * Property decorators that validate a field and document it in one go, so that `/docs` cannot promise anything else than
 * what is enforced. All are required unless `optional`; null is refused unless `nullable`.
 */
interface Field {
  description: string;
  example?: unknown;
  /** May be left out. In a query, the property's initialiser is the default. */
  optional?: boolean;
  nullable?: boolean;
}

/** What arrives as text (query strings, environment variables) and is converted by a strict pattern, never by coercion. */
interface FromText {
  fromText?: boolean;
}

const present = ({ optional, nullable }: Field) =>
  ValidateIf((_, value) => !(optional && value === undefined) && !(nullable && value === null));

const documented = ({ description, example, optional, nullable }: Field, schema: ApiPropertyOptions) =>
  ApiProperty({
    description,
    ...(example !== undefined && { example }),
    required: !optional,
    ...(nullable && { nullable }),
    ...schema,
  } as ApiPropertyOptions);

const converted = (fromText: boolean | undefined, convert: (text: string) => unknown) =>
  fromText ? Transform(({ value }) => (typeof value === 'string' ? convert(value) : value)) : applyDecorators();

/** The number that the text of a parameter or header holds. `"007"`, `"0x10"`, `"1e3"` and `" 5"` stay text, to be refused. */
export const toInteger = (text: string): number | string => (/^-?(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : text);

const PG_INT_MAX = 2_147_483_647;

/** Ids are bigint in the database and numbers in JSON: up to 2^53 - 1. */
export const MAX_ID = Number.MAX_SAFE_INTEGER;

/** A whole number; the bounds default to what a positive PostgreSQL `integer` holds. */
export function IntegerField(field: Field & FromText & { min?: number; max?: number }): PropertyDecorator {
  const { min = 1, max = PG_INT_MAX } = field;
  const message = `must be a whole number from ${min} to ${max}`;
  return applyDecorators(
    converted(field.fromText, toInteger),
    present(field),
    IsInt({ message }),
    Min(min, { message }),
    Max(max, { message }),
    documented(field, {
      type: 'integer',
      minimum: min,
      maximum: max,
      // Generators take an integer without a format for one of 32 bits.
      ...(max > PG_INT_MAX && { format: 'int64' }),
    }),
  );
}

/** The id of something: a whole number from 1 to 2^53 - 1. */
export const IdField = (field: Field & FromText): PropertyDecorator => IntegerField({ ...field, max: MAX_ID });

/** A character that is seen: no white space, control, format or combining character, and none of the blank letters. */
const VISIBLE = /[^\p{Z}\p{C}\p{M}\u115f\u1160\u2800\u3164\uffa0]/u;

/** Text of `min` to `max` characters with at least one that is seen (unless `min` is 0). */
export function TextField(
  field: Field & { min?: number; max: number; pattern?: RegExp; patternHint?: string; format?: string },
): PropertyDecorator {
  const { min = 1, max, format } = field;
  const pattern = field.pattern ?? (min > 0 ? VISIBLE : undefined);
  const hint = field.patternHint ?? 'must not be blank';
  return applyDecorators(
    present(field),
    IsString({ message: 'must be a string' }),
    Satisfies((text) => hasLength(text, min, max), `must have ${min} to ${max} characters`),
    ...(pattern ? [Matches(pattern, { message: hint })] : []),
    documented(field, {
      type: 'string',
      minLength: min,
      maxLength: max,
      ...(pattern && { pattern: pattern.source }),
      ...(format && { format }),
    }),
  );
}

/** Counts code points, as JSON Schema and PostgreSQL do; class-validator leaves out some of what joins with others. */
const hasLength = (text: unknown, min: number, max: number): boolean => {
  // Two units make a code point at most: no need to take a megabyte apart to know that it is too long.
  if (typeof text !== 'string' || text.length > 2 * max) return false;
  const { length } = [...text];
  return length >= min && length <= max;
};

/** An e-mail address of at most 254 characters. */
export function EmailField(field: Field): PropertyDecorator {
  return applyDecorators(
    present(field),
    IsString({ message: 'must be a string' }),
    Length(3, 254, { message: 'must have at most 254 characters' }),
    // ASCII only, because not every mail server takes anything else. Domains in other scripts have an ASCII form (xn--…).
    Satisfies(
      (email) => isEmail(email) && /^[\x21-\x7e]*$/.test(email as string),
      'must be an e-mail address such as ann@example.com',
    ),
    documented(field, { type: 'string', format: 'email', maxLength: 254 }),
  );
}

export function BooleanField(field: Field & FromText): PropertyDecorator {
  return applyDecorators(
    converted(field.fromText, (text) => ({ true: true, false: false })[text] ?? text),
    present(field),
    IsBoolean({ message: 'must be true or false' }),
    documented(field, { type: 'boolean' }),
  );
}

/** One of a closed list of words. */
export function EnumField(field: Field & { values: readonly string[]; name?: string }): PropertyDecorator {
  return applyDecorators(
    present(field),
    IsIn(field.values, { message: `must be one of: ${field.values.join(', ')}` }),
    documented(field, { enum: [...field.values], ...(field.name && { enumName: field.name }) } as ApiPropertyOptions),
  );
}

/** In a query: a word of a closed list, or the parameter repeated; always an array afterwards. */
export function EnumListField(field: Field & { values: readonly string[] }): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }) => (typeof value === 'string' ? [value] : value)),
    present(field),
    IsArray(),
    ArrayMaxSize(field.values.length, { message: `can be given at most ${field.values.length} times` }),
    IsIn(field.values, { each: true, message: `must be one of: ${field.values.join(', ')}` }),
    documented(field, { enum: [...field.values], isArray: true, maxItems: field.values.length } as ApiPropertyOptions),
  );
}

/** Offsets up to 14:59: there are none beyond 14 hours, and PostgreSQL refuses those of 16 and more. */
const ISO_8601 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d))?$/;

/** True for a date, or a date and time with an offset, that exists in the calendar (2026-02-30 does not). */
function isDateTime(value: unknown): boolean {
  if (typeof value !== 'string' || !ISO_8601.test(value)) return false;
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  return (
    day.getUTCFullYear() > 0 && day.toISOString().startsWith(value.slice(0, 10)) && !Number.isNaN(Date.parse(value))
  );
}

const DATE_TIME_FORMAT = 'an ISO 8601 date or date-time with an offset, such as 2026-01-31T12:00:00Z';

/** In a query, a `+` that was not encoded arrives as a space. */
const LOST_PLUS = /T[\d:.]+ \d\d:\d\d$/;
const LOST_PLUS_HINT = '; write the + of an offset as %2B in an address';

/** An ISO 8601 date (`2026-01-31`, midnight UTC) or date and time with an offset. Stays text. */
export function DateTimeField(field: Field): PropertyDecorator {
  return applyDecorators(
    present(field),
    Satisfies(
      isDateTime,
      ({ value }) => `must be ${DATE_TIME_FORMAT}${LOST_PLUS.test(String(value)) ? LOST_PLUS_HINT : ''}`,
    ),
    // By pattern: the format `date-time` would have neither dates alone nor times without seconds.
    documented(field, { type: 'string', pattern: ISO_8601.source }),
  );
}

/** A list of `min` to `max` plain objects of one class, each validated. */
export function ListField(field: Field & { of: () => new () => object; min: number; max: number }): PropertyDecorator {
  const { of, min, max } = field;
  const message = `must be a list of ${min} to ${max} objects`;
  return applyDecorators(
    Type(of),
    present(field),
    IsArray({ message }),
    ArrayMinSize(min, { message }),
    ArrayMaxSize(max, { message }),
    // @ValidateNested alone lets [[{...}]] through.
    Satisfies((list) => Array.isArray(list) && list.every(isObject), message),
    ValidateNested({ each: true }),
    // A function named `type`: Nest takes any other for the class itself and documents nothing.
    documented(field, { type: () => of(), isArray: true, minItems: min, maxItems: max } as ApiPropertyOptions),
  );
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const METADATA_BYTES = 8_192;

/** Whether a JSON value comes back as it is: -0 would become 0. */
const isKept = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.values(value).every(isKept) : !Object.is(value, -0);

/** A free JSON object of at most 8,192 bytes. */
export function MetadataField(field: Field): PropertyDecorator {
  return applyDecorators(
    present(field),
    Satisfies(
      (value) => isObject(value) && Buffer.byteLength(JSON.stringify(value)) <= METADATA_BYTES,
      `must be a JSON object of at most ${METADATA_BYTES} bytes`,
    ),
    Satisfies(isKept, 'must not hold -0, which would become 0'),
    documented(field, { type: 'object', additionalProperties: true } as ApiPropertyOptions),
  );
}

/** Adds a predicate of our own to class-validator. */
function Satisfies(
  predicate: (value: unknown) => boolean,
  message: string | ((arguments_: ValidationArguments) => string),
): PropertyDecorator {
  return (target, propertyKey) =>
    registerDecorator({
      name: 'satisfies',
      target: target.constructor,
      propertyName: propertyKey as string,
      options: { message },
      validator: { validate: predicate },
    });
}
