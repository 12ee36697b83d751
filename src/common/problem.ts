import { STATUS_CODES } from 'node:http';
import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { DomainError, ERROR_STATUS, type FieldError } from './domain-error';

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
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The one place where an error becomes the body of an answer. */
export function toProblem(error: DomainError, requestId: string, url: string): Problem {
  return {
    type: `urn:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    instance: url.split('?', 1)[0] ?? '/',
    code: error.code,
    request_id: requestId,
    ...error.extra,
  };
}

/** Documents an error answer of a route. */
export const ApiProblem = (status: number, description: string) =>
  applyDecorators(
    ApiExtraModels(Problem),
    ApiResponse({
      status,
      description,
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(Problem) } } },
    }),
  );
