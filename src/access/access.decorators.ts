import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiBasicAuth, ApiBearerAuth, ApiOAuth2, ApiSecurity } from '@nestjs/swagger';
import { ApiProblem } from '../errors/problem';
import { type Identity, type Principal, ROLES, type Role } from './principal';

/** Metadata key under which a route keeps its access rule: `'public'`, `'anonymous'`, or the roles that may call it. */
export const ACCESS = 'access';
export type AccessRule = 'public' | 'anonymous' | readonly Role[];

/** Anybody may call this route, logged in or not. */
export const Public = () => applyDecorators(SetMetadata(ACCESS, 'public'), ApiSecurity({}));

/** Anybody may call this route, and nobody is authenticated: it costs no statement, whatever credential comes along. */
export const Anonymous = () => applyDecorators(SetMetadata(ACCESS, 'anonymous'), ApiSecurity({}));

/** Only these roles may call this route: 401 without a valid credential, 403 with another role. */
export const Roles = (...roles: [Role, ...Role[]]) =>
  applyDecorators(
    SetMetadata(ACCESS, roles),
    ApiBearerAuth(),
    ApiOAuth2([]),
    ...(roles.includes('service') ? [ApiBasicAuth()] : []),
    ApiProblem(401, 'The token or API client is missing, or no longer valid.', 'UNAUTHENTICATED', 'INVALID_CLIENT'),
    ...(roles.length < ROLES.length ? [ApiProblem(403, `Only for: ${roles.join(', ')}.`)] : []),
  );

/** Every role may call this route; what it may see is decided by ownership. */
export const Authenticated = () => Roles(...ROLES);

/** Who is asking. Only on routes that are not public. */
export const CurrentPrincipal = createParamDecorator(
  (_: unknown, context: ExecutionContext): Principal => context.switchToHttp().getRequest().principal,
);

/** What a request was authenticated by, for an answer that goes on for long. */
export interface Credential {
  /** Milliseconds since 1970; null for one that does not expire. */
  readonly expiresAt: number | null;
  /** Who it stands for now, at most 5 s late; null when it is no longer valid. Rejects while the database cannot tell. */
  identify(): Promise<Identity | null>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking, set by the authentication guard; undefined for nobody known. */
    principal?: Principal;
    /** Set together with `principal`. */
    credential?: Credential;
    /** Why the credential of this request could not be accepted or checked. */
    authenticationError?: unknown;
  }
}
