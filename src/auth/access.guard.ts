import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCESS, type AccessRule, TAKES_CREDENTIALS } from '../access/access.decorators';
import type { Role } from '../access/principal';
import { DomainError } from '../errors/domain-error';
import { RateLimits } from '../rate-limit/rate-limits';

/** Stands in front of every route and holds who is asking to the route's access rule. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  /** Errors: RATE_LIMITED, UNAUTHENTICATED, INVALID_CLIENT, FORBIDDEN. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (rule !== 'public') await this.admit(request, rule);
    if (this.reflector.get<boolean | undefined>(TAKES_CREDENTIALS, context.getHandler()))
      await this.limits.countCredentials(request, context.switchToHttp().getResponse<FastifyReply>());
    return true;
  }

  private async admit(request: FastifyRequest, roles: readonly Role[] | undefined): Promise<void> {
    const caller = await request.identify?.();
    if (!caller) throw new DomainError('UNAUTHENTICATED', 'Log in and send the access token as Authorization: Bearer.');
    request.principal = { ...caller, requestId: request.id };
    // A route without a rule is refused at start-up; should one get here all the same, nobody may call it.
    if (!roles?.includes(caller.role))
      throw new DomainError('FORBIDDEN', `Your role (${caller.role}) may not do this.`);
  }
}
