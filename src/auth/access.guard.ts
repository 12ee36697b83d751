import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ACCESS, type AccessRule } from '../common/access';
import { DomainError } from '../common/domain-error';
import type { Principal } from '../common/principal';
import { UserStates } from '../users/user-states';
import { Tokens } from './tokens';

/** Stands in front of every route: finds out who is asking and holds them to the route's access rule. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: Tokens,
    private readonly users: UserStates,
  ) {}

  /** Errors: UNAUTHENTICATED, FORBIDDEN. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    if (rule === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = await this.identify(request);
    if (!principal)
      throw new DomainError('UNAUTHENTICATED', 'Log in and send the access token as Authorization: Bearer.');
    request.principal = principal;
    // A route without a rule is refused at start-up; should one get here all the same, nobody may call it.
    if (!rule?.includes(principal.role))
      throw new DomainError('FORBIDDEN', `Your role (${principal.role}) may not do this.`);
    return true;
  }

  private async identify(request: FastifyRequest): Promise<Principal | null> {
    const [scheme, credential] = (request.headers.authorization ?? '').split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || !credential) return null;
    const token = this.tokens.read(credential);
    const user = token && (await this.users.of(token.userId));
    if (!user?.active || user.token_version !== token?.tokenVersion) return null;
    return { type: 'user', id: user.id, name: user.name, role: user.role, requestId: request.id };
  }
}
