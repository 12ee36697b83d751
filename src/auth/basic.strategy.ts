import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import type { Identity } from '../access/principal';
import type { ApiClient } from '../clients/api-client.entity';
import { ClientCache } from '../clients/client-cache';
import { readBasic } from './basic';

/** Authenticates an API client that sends `client_id` and `client_secret` by HTTP Basic. */
@Injectable()
export class BasicStrategy extends PassportStrategy(Strategy, 'basic') {
  constructor(private readonly clients: ClientCache) {
    super();
  }

  override authenticate({ headers }: Pick<FastifyRequest, 'headers'>): void {
    const basic = readBasic(headers.authorization);
    if (!basic) this.fail(401);
    else
      this.validate(basic.clientId, basic.secret).then(
        (client) => this.success(client),
        (error) => this.error(error),
      );
  }

  /** Errors: INVALID_CLIENT. */
  async validate(clientId: string, secret: string): Promise<Identity> {
    return clientIdentity(await this.clients.authenticate(clientId, secret));
  }
}

/** An API client as the one who asks. */
export const clientIdentity = ({ id, name }: ApiClient): Identity => ({ type: 'client', id, name, role: 'service' });
