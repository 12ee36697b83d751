import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import type { Identity } from '../access/principal';
import type { ApiClient } from '../clients/api-client.entity';
import { ClientCache, invalidClient } from '../clients/client-cache';
import { DomainError } from '../errors/domain-error';
import { addressOf } from '../rate-limit/rate-limit.guard';
import { RateLimitStorage } from '../rate-limit/rate-limit.storage';
import { type BasicCredentials, readBasic } from './basic';

/** Authenticates an API client that sends `client_id` and `client_secret` by HTTP Basic. */
@Injectable()
export class BasicStrategy extends PassportStrategy(Strategy, 'basic') {
  constructor(
    private readonly clients: ClientCache,
    private readonly limits: RateLimitStorage,
  ) {
    super();
  }

  override authenticate(request: Sender): void {
    const basic = readBasic(request.headers.authorization);
    if (!basic) {
      this.fail(401);
      return;
    }
    request.credential = { expiresAt: null, identify: () => this.identify(basic) };
    this.validate(request, basic).then(
      (client) => this.success(client),
      (error) => this.error(error),
    );
  }

  /** Errors: INVALID_CLIENT. */
  async validate(sender: Sender, { clientId, secret }: BasicCredentials): Promise<Identity> {
    // Such a request is refused anyway, so that the search for a made-up client would be a statement for nothing.
    if (!this.clients.isKnown(clientId) && (await this.limits.isExhausted('default', addressOf(sender))))
      throw invalidClient();
    return clientIdentity(await this.clients.authenticate(clientId, secret));
  }

  /** Null for a client that is gone or has another secret by now. */
  private identify({ clientId, secret }: BasicCredentials): Promise<Identity | null> {
    return this.clients.authenticate(clientId, secret).then(clientIdentity, (error: unknown) => {
      if (error instanceof DomainError) return null;
      throw error;
    });
  }
}

type Sender = Pick<FastifyRequest, 'headers' | 'credential'> & { ip?: string | undefined };

/** An API client as the one who asks. */
export const clientIdentity = ({ id, name }: ApiClient): Identity => ({ type: 'client', id, name, role: 'service' });
