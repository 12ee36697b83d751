import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../config/config';
import type { UserState } from '../users/user-states';

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
  issue(user: UserState): string {
    return this.jwt.sign(
      { role: user.role, token_use: 'access', token_version: user.token_version },
      {
        algorithm: 'HS256',
        issuer: ISSUER,
        audience: AUDIENCE,
        subject: String(user.id),
        jwtid: randomUUID(),
        expiresIn: this.lifetime,
      },
    );
  }

  /** The user id and token version of a valid access token; null for anything else, whatever is wrong with it. */
  read(token: string): { userId: number; tokenVersion: number } | null {
    if (token.length > MAX_LENGTH) return null;
    try {
      const claims = this.jwt.verify<Claims>(token, { algorithms: ['HS256'], issuer: ISSUER, audience: AUDIENCE });
      // The library accepts a token without `exp`, and one of any other use.
      if (typeof claims.exp !== 'number' || claims.token_use !== 'access' || !/^[1-9]\d{0,9}$/.test(claims.sub))
        return null;
      return { userId: Number(claims.sub), tokenVersion: claims.token_version };
    } catch {
      return null;
    }
  }
}
