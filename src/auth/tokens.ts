import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { Role } from '../access/principal';
import type { ApiClient } from '../clients/api-client.entity';
import { Config } from '../config/config';
import { parseId } from '../http/pipes/parse-id.pipe';
import type { UserState } from '../users/user-cache';

export const ISSUER = 'order-management-service';
export const AUDIENCE = 'order-management-api';

/** No token of ours is longer; a longer one is not worth a signature check. */
const MAX_LENGTH = 4_096;

interface Claims {
  sub: string;
  jti: string;
  role: string;
  token_use: string;
  token_version: number;
  exp?: number;
}

/** Whom a token was issued to. */
export type Subject = ({ userId: number } | { clientId: string }) & { tokenVersion: number };

/** Makes and checks access tokens: JWT, HS256 and nothing else. */
@Injectable()
export class Tokens {
  /** Seconds for which an access token is good. */
  readonly lifetime: number;

  constructor(
    private readonly jwt: JwtService,
    config: Config,
  ) {
    this.lifetime = config.ACCESS_TOKEN_EXPIRE_MINUTES * 60;
  }

  /** A signed access token for this user, as of their present role and token version. */
  issue({ id, role, token_version }: Pick<UserState, 'id' | 'role' | 'token_version'>): string {
    return this.sign(String(id), role, token_version);
  }

  /** A signed access token for this API client, as of its present token version. */
  issueToClient({ client_id, token_version }: Pick<ApiClient, 'client_id' | 'token_version'>): string {
    return this.sign(client_id, 'service', token_version);
  }

  private sign(subject: string, role: Role, token_version: number): string {
    return this.jwt.sign(
      { role, token_use: 'access', token_version },
      {
        algorithm: 'HS256',
        issuer: ISSUER,
        audience: AUDIENCE,
        subject,
        jwtid: randomUUID(),
        expiresIn: this.lifetime,
      },
    );
  }

  /** Whose token this is, and of which version; null for what is not a valid access token, whatever is wrong with it. */
  read(token: string): Subject | null {
    if (token.length > MAX_LENGTH) return null;
    try {
      const claims = this.jwt.verify<Claims>(token, { algorithms: ['HS256'], issuer: ISSUER, audience: AUDIENCE });
      // The library accepts a token without `exp`, and one of any other use.
      if (typeof claims.exp !== 'number' || claims.token_use !== 'access') return null;
      const { sub, token_version: tokenVersion } = claims;
      const userId = parseId(sub);
      return userId === null ? { clientId: sub, tokenVersion } : { userId, tokenVersion };
    } catch {
      return null;
    }
  }
}
