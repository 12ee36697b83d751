import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientStates } from '../clients/client-states';
import { ACCESS, type AccessRule, TAKES_CREDENTIALS } from '../common/access';
import { DomainError } from '../common/domain-error';
import type { Principal } from '../common/principal';
import { UserStates } from '../users/user-states';
import { readBasic } from './basic';
import { RateLimits } from './rate-limits';
import { Tokens } from './tokens';

/** Who is asking, apart from the request they ask in. */
type Caller = Omit<Principal, 'requestId'>;

/** Stands in front of every route: finds out who is asking and holds them to the route's access rule. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: Tokens,
    private readonly users: UserStates,
    private readonly clients: ClientStates,
    private readonly limits: RateLimits,
  ) {}

  /** Errors: RATE_LIMITED, UNAUTHENTICATED, INVALID_CLIENT, FORBIDDEN. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    // Operators ask for health and metrics as often as they like.
    const limited = request.url.startsWith('/api/');
    if (rule === 'public') {
      const credentials = this.reflector.get<boolean | undefined>(TAKES_CREDENTIALS, context.getHandler());
      if (credentials) await this.limits.countCredentials(request, reply);
      else if (limited) await this.limits.count(request, reply, null);
      return true;
    }
    const caller = await this.identify(request.headers.authorization ?? '');
    // Before anything is refused: who tries one token after the other is counted as well.
    if (limited) await this.limits.count(request, reply, caller);
    if (!caller) throw new DomainError('UNAUTHENTICATED', 'Log in and send the access token as Authorization: Bearer.');
    request.principal = { ...caller, requestId: request.id };
    // A route without a rule is refused at start-up; should one get here all the same, nobody may call it.
    if (!rule?.includes(caller.role)) throw new DomainError('FORBIDDEN', `Your role (${caller.role}) may not do this.`);
    return true;
  }

  private async identify(authorization: string): Promise<Caller | null> {
    const [scheme, credential] = authorization.split(' ', 2);
    if (scheme?.toLowerCase() === 'bearer') return this.byToken(credential ?? '');
    const basic = readBasic(authorization);
    return basic && service(await this.clients.authenticate(basic.clientId, basic.secret));
  }

  /** A token is good while its user is active or its client exists, and their token version is what it was. */
  private async byToken(text: string): Promise<Caller | null> {
    const token = this.tokens.read(text);
    if (!token) return null;
    if ('clientId' in token) {
      const client = await this.clients.of(token.clientId);
      return client?.token_version === token.tokenVersion ? service(client) : null;
    }
    const user = await this.users.of(token.userId);
    if (!user?.active || user.token_version !== token.tokenVersion) return null;
    return { type: 'user', id: user.id, name: user.name, role: user.role };
  }
}

const service = ({ id, name }: { id: number; name: string }): Caller => ({ type: 'client', id, name, role: 'service' });
