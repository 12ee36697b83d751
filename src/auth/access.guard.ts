import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ACCESS, type AccessRule } from '../access/access.decorators';
import { DomainError } from '../errors/domain-error';

/** Compares the principal of a request with the access rule of its route. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  /** Errors: UNAUTHENTICATED, INVALID_CLIENT, FORBIDDEN, and what made the authentication fail. */
  canActivate(context: ExecutionContext): boolean {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    if (rule === 'public' || rule === 'anonymous') return true;
    const { principal, authenticationError } = context.switchToHttp().getRequest<FastifyRequest>();
    if (authenticationError) throw authenticationError;
    if (!principal)
      throw new DomainError('UNAUTHENTICATED', 'Log in and send the access token as Authorization: Bearer.');
    // A route without a rule is refused at start-up; should one get here all the same, nobody may call it.
    if (!rule?.includes(principal.role))
      throw new DomainError('FORBIDDEN', `Your role (${principal.role}) may not do this.`);
    return true;
  }
}
