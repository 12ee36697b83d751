import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';

/**
 * Property decorators that document a field of a response: what it is, with its unit, and an example. Whole numbers that 32
 * bits do not hold say so, because generators would cut them.
 */
interface Options {
  nullable?: boolean;
  optional?: boolean;
}

const documented =
  (schema: ApiPropertyOptions) =>
  (description: string, example: unknown, { nullable, optional }: Options = {}): PropertyDecorator =>
    ApiProperty({
      ...schema,
      description,
      example,
      ...(nullable && { nullable }),
      ...(optional && { required: false }),
    } as ApiPropertyOptions);

/** An id: a whole number up to 2^53 - 1. */
export const IdProperty = documented({ type: 'integer', format: 'int64' });

/** An amount in the currency's minor unit. */
export const CentsProperty = documented({ type: 'integer', format: 'int64' });

/** A count or another whole number of 32 bits. */
export const IntegerProperty = documented({ type: 'integer' });

/** A count that may outgrow 32 bits. */
export const BigCountProperty = documented({ type: 'integer', format: 'int64' });

export const TextProperty = documented({ type: 'string' });

export const BooleanProperty = documented({ type: 'boolean' });

const timeProperty = documented({ type: 'string', format: 'date-time' });

/** A time: ISO 8601 in UTC, with milliseconds. */
export const TimeProperty = (description: string, options?: Options): PropertyDecorator =>
  timeProperty(description, '2026-01-31T12:00:00.000Z', options);
