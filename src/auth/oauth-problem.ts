import { type ArgumentsHost, applyDecorators, Catch } from '@nestjs/common';
import { ApiExtraModels, ApiPropertyOptional, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { DomainError, type ErrorCode } from '../errors/domain-error';
import { Problem, problemResponse } from '../errors/problem';
import { ProblemFilter, toDomainError } from '../errors/problem.filter';

const OAUTH_ERRORS = ['invalid_request', 'invalid_client', 'invalid_grant', 'unsupported_grant_type'] as const;
type OAuthError = (typeof OAUTH_ERRORS)[number];

/** What our codes are called in RFC 6749, section 5.2. What is not listed has no name there. */
const OAUTH_ERROR: Partial<Record<ErrorCode, OAuthError>> = {
  VALIDATION_FAILED: 'invalid_request',
  INVALID_CREDENTIALS: 'invalid_grant',
  INVALID_REFRESH_TOKEN: 'invalid_grant',
  INVALID_CLIENT: 'invalid_client',
};

/** The body of an error of the token endpoint: a problem that OAuth clients understand as well. */
class OAuthProblem extends Problem {
  @ApiPropertyOptional({
    enum: OAUTH_ERRORS,
    description: 'The error in the words of RFC 6749; missing where the request could not even be read.',
    example: 'invalid_grant',
  })
  error?: OAuthError;
  @ApiPropertyOptional({ description: 'The same as `detail`.', example: 'The e-mail, username or password is wrong.' })
  error_description?: string;
}

/** Adds `error` and `error_description` to the problems of the token endpoint. */
@Catch()
export class OAuthProblemFilter extends ProblemFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    super.catch(named(error, host.switchToHttp().getRequest<FastifyRequest>()), host);
  }
}

function named(error: unknown, request: FastifyRequest): unknown {
  const { code, message, extra } = toDomainError(error);
  const name = isOtherGrant(extra, request) ? 'unsupported_grant_type' : OAUTH_ERROR[code];
  return name ? new DomainError(code, message, { ...extra, error: name, error_description: message }) : error;
}

/** A grant_type was given, and it is the field that was refused. */
function isOtherGrant({ errors }: DomainError['extra'], { body }: FastifyRequest): boolean {
  const refused = Array.isArray(errors) && errors.some(({ field }) => field === 'grant_type');
  return refused && typeof (body as Record<string, unknown>).grant_type === 'string';
}

/** Documents an error answer of the token endpoint; `error` is the example's. */
export const ApiOAuthProblem = (status: number, description: string, error: OAuthError, ...codes: ErrorCode[]) =>
  applyDecorators(
    ApiExtraModels(OAuthProblem),
    ApiResponse({
      status,
      ...problemResponse(status, description, codes, OAuthProblem, { error, error_description: description }),
    }),
  );
