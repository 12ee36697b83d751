import { hash } from 'node:crypto';

/** Tokens remembered at most; the oldest is dropped first. */
const MAX_TOKENS = 10_000;

/** What an access token says. */
export interface Claims {
  /** The id of a user, or the `client_id` of an API client. */
  sub: string;
  jti: string;
  role: string;
  token_use: string;
  token_version: number;
  /** The session of a user. */
  sid?: number;
  /** Seconds since 1970. */
  exp: number;
}

/**
 * The claims of tokens whose signature was verified, until they expire: a client sends the same token many times. Kept under
 * the SHA-256 of the token, which bounds the memory and stores nothing that can be presented.
 */
export class VerifiedTokens {
  private readonly claims = new Map<string, Claims>();

  /** The claims of a token that was verified before; undefined once it has expired. */
  get(token: string): Claims | undefined {
    const known = this.claims.get(digest(token));
    return known && known.exp > Date.now() / 1000 ? known : undefined;
  }

  /** Remembers a token whose signature, issuer, audience and use are right. */
  add(token: string, claims: Claims): void {
    if (this.claims.size >= MAX_TOKENS) this.claims.delete(this.claims.keys().next().value as string);
    this.claims.set(digest(token), claims);
  }
}

const digest = (token: string) => hash('sha256', token, 'base64');
