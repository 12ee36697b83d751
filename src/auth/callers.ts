import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/access.decorators';
import { ClientCache } from '../clients/client-cache';
import { UserCache } from '../users/user-cache';
import { readBasic } from './basic';
import { type Subject, Tokens } from './tokens';

/** Finds out who is asking, from a bearer token or the credentials of an API client. */
@Injectable()
export class Callers {
  constructor(
    private readonly tokens: Tokens,
    private readonly users: UserCache,
    private readonly clients: ClientCache,
  ) {}

  /**
   * Reads the credential of a request once, for the limiter (`countedAs`) and for the guard (`identify`). Never fails; for a
   * token it asks nobody, because a signature is proof enough of whom to count.
   */
  async recognise(request: FastifyRequest): Promise<void> {
    const { authorization = '' } = request.headers;
    const [scheme, credential] = authorization.split(' ', 2);
    if (scheme?.toLowerCase() === 'bearer') {
      const token = this.tokens.read(credential ?? '');
      request.countedAs = token ? nameOf(token) : undefined;
      request.identify = () => this.byToken(token);
      return;
    }
    const basic = readBasic(authorization);
    if (!basic) return;
    const client = this.clients.authenticate(basic.clientId, basic.secret);
    request.identify = async () => service(await client);
    request.countedAs = await client.then(
      ({ client_id }) => `client:${client_id}`,
      () => undefined,
    );
  }

  /** A token is good while its user is active or its client exists, and their token version is what it was. */
  private async byToken(token: Subject | null): Promise<Caller | null> {
    if (!token) return null;
    if ('clientId' in token) {
      const client = await this.clients.get(token.clientId);
      return client?.token_version === token.tokenVersion ? service(client) : null;
    }
    const user = await this.users.get(token.userId);
    if (!user?.active || user.token_version !== token.tokenVersion) return null;
    return { type: 'user', id: user.id, name: user.name, role: user.role };
  }
}

const nameOf = (token: Subject) => ('clientId' in token ? `client:${token.clientId}` : `user:${token.userId}`);
const service = ({ id, name }: { id: number; name: string }): Caller => ({ type: 'client', id, name, role: 'service' });
