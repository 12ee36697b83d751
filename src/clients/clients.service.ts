import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type Repository } from 'typeorm';
import { notFound } from '../errors/domain-error';
import { type PageQuery, pageById } from '../http/dto/pagination';
import { assertVersion, type ExpectedVersions } from '../http/etag';
import { Operation } from '../observability/operation';
import { ApiClient } from './api-client.entity';
import { ClientCache, hashSecret } from './client-cache';
import { type CreateClientRequest } from './client-request.dto';
import {
  type ClientListResponse,
  type ClientResponse,
  type ClientWithSecretResponse,
  toClientResponse,
} from './client-response.dto';

/** The API clients. Admins only. What is changed here is in force at the next request. */
@Injectable()
export class ClientsService {
  constructor(
    @InjectRepository(ApiClient) private readonly clients: Repository<ApiClient>,
    private readonly cache: ClientCache,
  ) {}

  /** One page of them, by id. Errors: VALIDATION_FAILED. */
  async list(query: PageQuery): Promise<ClientListResponse> {
    const { rows, page } = await pageById(query, this.clients.createQueryBuilder('client'));
    return { clients: rows.map(toClientResponse), ...page };
  }

  /** One client. Errors: NOT_FOUND. */
  async get(id: number): Promise<ClientResponse> {
    return toClientResponse(await this.find(id));
  }

  /** Adds a client; its secret is in this answer and nowhere else. */
  @Operation('clients.create')
  async create({ name }: CreateClientRequest): Promise<ClientWithSecretResponse> {
    const client_id = `client_${randomBytes(12).toString('base64url')}`;
    const client_secret = newSecret();
    const client = await this.clients.save({ name, client_id, secret_hash: hashSecret(client_secret) });
    return { ...toClientResponse(client), client_secret };
  }

  /**
   * Gives the client a new secret; the old one, and the tokens it was traded for, are void.
   * Errors: NOT_FOUND, PRECONDITION_FAILED (not one of `versions`).
   */
  @Operation('clients.rotate')
  async rotate(id: number, versions?: ExpectedVersions): Promise<ClientWithSecretResponse> {
    const client_secret = newSecret();
    const { affected } = await this.clients.update(expected(id, versions), {
      secret_hash: hashSecret(client_secret),
      token_version: () => 'token_version + 1',
      version: () => 'version + 1',
    });
    const client = await this.find(id);
    if (affected === 0) assertVersion(client.version, versions);
    this.cache.invalidate(client.client_id);
    return { ...toClientResponse(client), client_secret };
  }

  /**
   * Ends the client, its secret and its tokens. What it did stays in the history under its name.
   * Errors: NOT_FOUND, PRECONDITION_FAILED (not one of `versions`).
   */
  @Operation('clients.delete')
  async delete(id: number, versions?: ExpectedVersions): Promise<void> {
    const client = await this.find(id);
    const { affected } = await this.clients.delete(expected(id, versions));
    if (affected === 0) assertVersion((await this.find(id)).version, versions);
    this.cache.invalidate(client.client_id);
  }

  private async find(id: number): Promise<ApiClient> {
    const client = await this.clients.findOneBy({ id });
    if (!client) throw notFound('Client');
    return client;
  }
}

/** This client, if it has one of these versions. */
const expected = (id: number, versions: ExpectedVersions) => ({ id, ...(versions && { version: In([...versions]) }) });

const newSecret = () => randomBytes(32).toString('base64url');
