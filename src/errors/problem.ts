import { STATUS_CODES } from 'node:http';
import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { DomainError, ERROR_STATUS, type ErrorCode, type FieldError } from './domain-error';

class ProblemField {
  @ApiProperty({ description: 'Path of the field, such as items.0.quantity.', example: 'items.0.quantity' })
  field!: string;
  @ApiProperty({ description: 'What to change.', example: 'must be a whole number from 1 to 1000' })
  message!: string;
}

/** The body of every error: RFC 9457 `application/problem+json` with a stable `code`. */
export class Problem {
  @ApiProperty({ description: 'Identifies the kind of problem.', example: 'urn:problem:validation-failed' })
  type!: string;
  @ApiProperty({ description: 'The HTTP status in words.', example: 'Bad Request' })
  title!: string;
  @ApiProperty({ type: 'integer', description: 'The HTTP status.', example: 400 })
  status!: number;
  @ApiProperty({
    description: 'What went wrong, and what to change.',
    example: 'The request has fields that cannot be accepted; see errors.',
  })
  detail!: string;
  @ApiProperty({ description: 'The path that was asked for, without its query.', example: '/api/v1/orders' })
  instance!: string;
  @ApiProperty({
    description: 'A stable word to branch on.',
    enum: Object.keys(ERROR_STATUS),
    enumName: 'ErrorCode',
    example: 'VALIDATION_FAILED',
  })
  code!: string;
  @ApiProperty({
    description: 'Also in the X-Request-Id header and in the log.',
    example: '0198a3c1-5a0e-7cc1-b3a4-0f6c2f0a9b11',
  })
  request_id!: string;
  @ApiPropertyOptional({ type: [ProblemField], description: 'The fields that were refused, at most 20.' })
  errors?: FieldError[];
  @ApiPropertyOptional({
    type: [String],
    description: 'With INVALID_TRANSITION: what the order can become.',
    example: ['paid', 'processing', 'cancelled'],
  })
  allowed_transitions?: string[];
  @ApiPropertyOptional({
    type: 'integer',
    format: 'int64',
    description: 'With PRICE_CHANGED: what the order comes to now, in cents.',
    example: 499_998,
  })
  total_amount_cents?: number;
  @ApiPropertyOptional({
    type: 'integer',
    description: 'With EVENTS_EXPIRED: the oldest position that is kept.',
    example: 43,
  })
  oldest_position?: number;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The one place where an error becomes the body of an answer. */
export function toProblem(error: DomainError, requestId: string, url: string): Problem {
  return {
    type: `urn:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    instance: url.split('?', 1)[0] || '/',
    code: error.code,
    request_id: requestId,
    ...error.extra,
  };
}

/** Codes with which a route answers unless it names others of the same status. */
const GENERAL: readonly ErrorCode[] = [
  'VALIDATION_FAILED',
  'MALFORMED_REQUEST',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'RATE_LIMITED',
];

/** Documents an error answer of a route; `codes` are those it can have, if they are not the general ones of the status. */
export const ApiProblem = (status: number, description: string, ...codes: ErrorCode[]) =>
  applyDecorators(ApiExtraModels(Problem), ApiResponse({ status, ...problemResponse(status, description, codes) }));

/**
 * An error answer as the OpenAPI document has it: the schema of `model`, narrowed to the codes that it can have here.
 * `extra` are the example's members that {@link Problem} does not have.
 */
export function problemResponse(
  status: number,
  description: string,
  codes: ErrorCode[] = [],
  model: typeof Problem = Problem,
  extra: object = {},
) {
  const ofStatus = (Object.keys(ERROR_STATUS) as ErrorCode[]).filter((code) => ERROR_STATUS[code] === status);
  const general = ofStatus.filter((code) => GENERAL.includes(code));
  const possible = [codes, general, ofStatus].find(({ length }) => length > 0) as ErrorCode[];
  const schema = { allOf: [{ $ref: getSchemaPath(model) }, { properties: { code: { enum: possible } } }] };
  const example = { ...exampleOf(possible[0] as ErrorCode, description), ...extra };
  return {
    description: `${description} (${possible.map((code) => `\`${code}\``).join(', ')})`,
    content: { 'application/problem+json': { schema, example } },
  };
}

function exampleOf(code: ErrorCode, detail: string): Problem {
  const errors = [{ field: 'items.0.quantity', message: 'must be a whole number from 1 to 1000' }];
  const error = new DomainError(code, detail, code === 'VALIDATION_FAILED' ? { errors } : {});
  return toProblem(error, '0198a3c1-5a0e-7cc1-b3a4-0f6c2f0a9b11', '/api/v1/orders');
}
