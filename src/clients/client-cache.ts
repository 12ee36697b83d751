import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { TtlCache } from '../access/ttl-cache';
import { DomainError } from '../errors/domain-error';
import { ApiClient } from './api-client.entity';

const CLIENT_ID = /^client_[\w-]{16}$/;

/** API clients as the authentication sees them: at most 5 s old, and fresh in the process that changed them. */
@Injectable()
export class ClientCache {
  private readonly memory = new TtlCache((client_id: string) => this.read(client_id));
  /** The clients that were found; they outlive the cached state, and are few. */
  private readonly found = new Set<string>();

  constructor(@InjectRepository(ApiClient) private readonly clients: Repository<ApiClient>) {}

  /** The client's present state; null if there is no such client. */
  get(clientId: string): Promise<ApiClient | null> {
    return CLIENT_ID.test(clientId) ? this.memory.get(clientId) : Promise.resolve(null);
  }

  /** False for an id that this process has not seen to exist. */
  isKnown(clientId: string): boolean {
    return this.found.has(clientId);
  }

  /** The client with this id, if the secret is right; compared in constant time. Errors: INVALID_CLIENT. */
  async authenticate(clientId: string, secret: string): Promise<ApiClient> {
    const client = await this.get(clientId);
    if (client && timingSafeEqual(hashSecret(secret), client.secret_hash)) return client;
    throw invalidClient();
  }

  /** To be called after every committed change of a client. */
  invalidate(clientId: string): void {
    this.memory.delete(clientId);
    this.found.delete(clientId);
  }

  private async read(client_id: string): Promise<ApiClient | null> {
    const client = await this.clients.findOneBy({ client_id });
    if (client) this.found.add(client_id);
    return client;
  }
}

export const invalidClient = () => new DomainError('INVALID_CLIENT', 'There is no API client with this id and secret.');

/** The only form in which a secret is kept. */
export const hashSecret = (secret: string) => createHash('sha256').update(secret).digest();
