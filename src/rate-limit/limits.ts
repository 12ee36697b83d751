import type { Config } from '../config/config';
import { DomainError } from '../errors/domain-error';

/**
 * An account may be tried this many times as often as one address may try: a guess from many addresses is slowed, but a
 * single stranger can never use up what its owner needs to log in.
 */
const ADDRESSES_PER_ACCOUNT = 10;

/** What is counted: all requests, guesses by address, guesses by account, refreshes and client credentials. */
export type LimitName = 'default' | 'credentials' | 'account' | 'tokens';

/** How many within a window. Windows are fixed and begin with the first request. */
export interface Limit {
  name: LimitName;
  points: number;
  windowSeconds: number;
}

/** The limits of this deployment. */
export function limitsOf({
  RATE_LIMIT_REQUESTS,
  RATE_LIMIT_WINDOW: windowSeconds,
  AUTH_RATE_LIMIT_REQUESTS,
}: Config): Record<LimitName, Limit> {
  const limit = (name: LimitName, points: number) => ({ name, points, windowSeconds });
  return {
    default: limit('default', RATE_LIMIT_REQUESTS),
    credentials: limit('credentials', AUTH_RATE_LIMIT_REQUESTS),
    account: limit('account', AUTH_RATE_LIMIT_REQUESTS * ADDRESSES_PER_ACCOUNT),
    // One a second: 60 a minute. Never fewer than guesses.
    tokens: limit('tokens', Math.max(windowSeconds, AUTH_RATE_LIMIT_REQUESTS)),
  };
}

/** The headers of the IETF draft "RateLimit header fields for HTTP". */
export function limitHeaders({ name, points, windowSeconds }: Limit, used: number, resetSeconds: number) {
  return {
    'ratelimit-policy': `"${name}";q=${points};w=${windowSeconds}`,
    ratelimit: `"${name}";r=${Math.max(0, points - used)};t=${resetSeconds}`,
  };
}

/** The answer to one request too many. */
export function rateLimited(limit: Limit, used: number, resetSeconds: number): DomainError {
  const headers = { ...limitHeaders(limit, used, resetSeconds), 'retry-after': String(resetSeconds) };
  return new DomainError('RATE_LIMITED', `Too many requests: try again in ${resetSeconds} s.`, {}, headers);
}
