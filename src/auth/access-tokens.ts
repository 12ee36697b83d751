import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { Role } from '../access/principal';
import type { ApiClient } from '../clients/api-client.entity';
import { Config } from '../config/config';
import type { UserState } from '../users/user-cache';

export const ISSUER = 'order-management-service';
export const AUDIENCE = 'order-management-api';

/** Issues access tokens: JWT, HS256. `JwtStrategy` verifies them. */
@Injectable()
export class AccessTokens {
  /** Seconds for which an access token is good. */
  readonly lifetime: number;

  constructor(
    private readonly jwt: JwtService,
    config: Config,
  ) {
    this.lifetime = config.ACCESS_TOKEN_EXPIRE_MINUTES * 60;
  }

  /** A signed access token for this session of a user, as of their present role and token version. */
  issue({ id, role, token_version }: Pick<UserState, 'id' | 'role' | 'token_version'>, sessionId: number): string {
    return this.sign(String(id), { role, token_version, sid: sessionId });
  }

  /** A signed access token for this API client, as of its present token version. */
  issueToClient({ client_id, token_version }: Pick<ApiClient, 'client_id' | 'token_version'>): string {
    return this.sign(client_id, { role: 'service', token_version });
  }

  private sign(subject: string, claims: { role: Role; token_version: number; sid?: number }): string {
    return this.jwt.sign(
      { ...claims, token_use: 'access' },
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
}
