import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { databaseProblem } from './database-errors';
import { DomainError, type ErrorCode } from './domain-error';
import { PROBLEM_TYPE, toProblem } from './problem';

/** The framework's own refusals, by HTTP status. */
const FRAMEWORK: Record<number, [ErrorCode, string]> = {
  400: [
    'MALFORMED_REQUEST',
    'The request could not be read: check the URL encoding, the headers and the JSON of the body.',
  ],
  404: ['NOT_FOUND', 'There is nothing at this address.'],
  405: ['METHOD_NOT_ALLOWED', 'This address does not answer to this method.'],
  408: ['REQUEST_TIMEOUT', 'The request did not arrive in time.'],
  413: ['PAYLOAD_TOO_LARGE', 'The body is larger than 1 MiB.'],
  414: ['URI_TOO_LONG', 'The address or one of its parameters is too long.'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.'],
  417: ['EXPECTATION_FAILED', 'The only expectation that is taken here is 100-continue.'],
  431: ['HEADERS_TOO_LARGE', 'The request headers are too large.'],
  503: ['UNAVAILABLE', 'The request took too long. Try again shortly.'],
};

/** What any thrown value means to a client. Never repeats a message that was not written for clients. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number } | undefined)?.statusCode;
  const known = status && FRAMEWORK[status];
  if (known) return new DomainError(known[0], known[1]);
  return (
    databaseProblem(error) ??
    new DomainError('INTERNAL_ERROR', 'Something went wrong on our side. The request id finds it in the log.')
  );
}

/** Answers every error, the framework's included, as problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('errors');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    void this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /**
   * Called before an error is answered, where requests that no guard has seen are counted. Throws what is answered instead.
   */
  beforeAnswer: (request: FastifyRequest, reply: FastifyReply) => Promise<void> = async () => {};

  /** Also used for errors that Fastify raises before Nest has seen the request. */
  async answer(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const problem = toDomainError(
      await this.beforeAnswer(request, reply).then(
        () => error,
        (refusal) => refusal,
      ),
    );
    // Only what nobody expected carries a stack into the log; QueryFailedError is reduced to code and constraint because
    // its parameters hold what clients sent, password hashes among them.
    // A request that ended before its body had arrived is the client's own doing.
    if (problem.status >= 500 && !request.raw.destroyed)
      this.logger.error({ request_id: request.id, err: loggable(error) }, problem.code);
    if (reply.sent) return;
    for (const [name, value] of Object.entries(headersOf(problem))) reply.header(name, value);
    reply
      .status(problem.status)
      .header('content-type', PROBLEM_TYPE)
      .send(JSON.stringify(toProblem(problem, request.id, request.url)));
  }
}

function headersOf(problem: DomainError): Record<string, string> {
  // Basic only to those who tried it: browsers answer that challenge with a dialog of their own.
  if (problem.code === 'INVALID_CLIENT') return { 'www-authenticate': 'Basic realm="orders", charset="UTF-8"' };
  if (problem.status === 401) return { 'www-authenticate': 'Bearer realm="orders"' };
  if (problem.status === 503) return { 'retry-after': '1' };
  return problem.headers;
}

/** An error as it may be written to the log. */
export function loggable(error: unknown): object {
  const { name, message, stack, code, constraint, driverError } = error as Error & Record<string, unknown>;
  if (driverError || constraint || (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))) {
    return {
      name,
      code,
      constraint,
      stack: stack
        ?.split('\n')
        .filter((line) => /^\s+at /.test(line))
        .join('\n'),
    };
  }
  return { name, message, code, stack };
}

/** For requests so broken that no route or reply exists: `clientErrorHandler` writes this to the raw socket. */
export function rawProblem(code: ErrorCode, requestId: string): string {
  const status = new DomainError(code, '').status;
  const [, detail] = FRAMEWORK[status] as [ErrorCode, string];
  const problem = toProblem(new DomainError(code, detail), requestId, '');
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${status} ${problem.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
