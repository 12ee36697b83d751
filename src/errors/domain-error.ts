/** One field of a request that was refused, and what to change. `field` is a path such as `items.0.quantity`. */
export interface FieldError {
  field: string;
  message: string;
}

/** Each code that a client can meet, with the HTTP status it is answered with. The only place that maps one to the other. */
export const ERROR_STATUS = {
  VALIDATION_FAILED: 400,
  MALFORMED_REQUEST: 400,
  IDEMPOTENCY_KEY_INVALID: 400,
  INVALID_RESET_TOKEN: 400,
  INVALID_CONFIRMATION_TOKEN: 400,
  UNAUTHENTICATED: 401,
  INVALID_CREDENTIALS: 401,
  INVALID_REFRESH_TOKEN: 401,
  INVALID_CLIENT: 401,
  FORBIDDEN: 403,
  EMAIL_NOT_CONFIRMED: 403,
  NOT_FOUND: 404,
  PRODUCT_NOT_FOUND: 404,
  USER_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  EMAIL_TAKEN: 409,
  USERNAME_TAKEN: 409,
  SKU_TAKEN: 409,
  LAST_ADMIN: 409,
  INSUFFICIENT_STOCK: 409,
  PRODUCT_INACTIVE: 409,
  PRICE_CHANGED: 409,
  INVALID_TRANSITION: 409,
  ORDER_NOT_EDITABLE: 409,
  IDEMPOTENCY_KEY_IN_USE: 409,
  EVENTS_EXPIRED: 410,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  URI_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  EXPECTATION_FAILED: 417,
  IDEMPOTENCY_KEY_REUSED: 422,
  HEADERS_TOO_LARGE: 431,
  RATE_LIMITED: 429,
  TOO_MANY_STREAMS: 429,
  INTERNAL_ERROR: 500,
  UNAVAILABLE: 503,
} as const;

/** A stable upper-case word that says what went wrong; clients branch on it. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/**
 * A refusal that the client is meant to read: thrown by services and guards, turned into problem+json by the one filter.
 * `extra` members are added to the body (for instance the allowed transitions); they never hold anything internal.
 * `headers` are added to those of the answer.
 */
export class DomainError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** The HTTP status of `code`. */
  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** The answer for what does not exist and for what belongs to somebody else: the two cannot be told apart. */
export function notFound(what: string): DomainError {
  return new DomainError('NOT_FOUND', `${what} not found.`);
}

/** Bad input, field by field. At most 20 errors are reported. */
export function validationFailed(errors: FieldError[]): DomainError {
  return new DomainError('VALIDATION_FAILED', 'The request has fields that cannot be accepted; see errors.', {
    errors: errors.slice(0, 20),
  });
}
