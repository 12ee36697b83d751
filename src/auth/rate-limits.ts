import { isIPv6 } from 'node:net';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError } from '../common/domain-error';
import type { Principal } from '../common/principal';
import { ProcessMetrics } from '../common/process-metrics';
import { Config } from '../config/config';

/**
 * An account may be tried this many times as often as one address may try: a guess from many addresses is slowed, but a
 * single stranger can never use up what its owner needs to log in.
 */
const ADDRESSES_PER_ACCOUNT = 10;

interface Limit {
  name: string;
  points: number;
  limiter: RateLimiterAbstract;
}

/**
 * How often somebody may ask, counted in fixed windows: in this process, or through REDIS_URL in all of them. While Redis is
 * away each process counts by itself.
 */
@Injectable()
export class RateLimits implements OnApplicationShutdown {
  private readonly logger = new Logger('rate-limits');
  private readonly redis: Redis | undefined;
  private readonly general: Limit;
  private readonly credentials: Limit;
  private readonly accounts: Limit;

  constructor(
    private readonly config: Config,
    private readonly metrics: ProcessMetrics,
  ) {
    this.redis = config.REDIS_URL ? this.connect(config.REDIS_URL) : undefined;
    this.general = this.limit('default', config.RATE_LIMIT_REQUESTS);
    this.credentials = this.limit('credentials', config.AUTH_RATE_LIMIT_REQUESTS);
    this.accounts = this.limit('account', config.AUTH_RATE_LIMIT_REQUESTS * ADDRESSES_PER_ACCOUNT);
  }

  /** Counts a request of this principal, or of its address when nobody is logged in. Errors: RATE_LIMITED. */
  async count(
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Pick<Principal, 'type' | 'id'> | null,
  ): Promise<void> {
    await this.consume(this.general, caller ? `${caller.type}:${caller.id}` : addressOf(request), reply);
  }

  /**
   * Counts an attempt to log in, register or reset: for its address, and for the account that it names, so that neither
   * one password over many accounts nor many passwords for one account come far. Errors: RATE_LIMITED.
   */
  async countCredentials(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.consume(this.credentials, addressOf(request), reply);
    const account = accountOf(request.body);
    if (account) await this.consume(this.accounts, account, reply);
  }

  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }

  private async consume({ name, points, limiter }: Limit, key: string, reply: FastifyReply): Promise<void> {
    const result = await limiter.consume(key).catch((error: unknown) => {
      // A limiter rejects with its count when there is none left; with an error when neither store works.
      if (error instanceof RateLimiterRes) return error;
      throw error;
    });
    const seconds = Math.ceil(result.msBeforeNext / 1000);
    if (name !== 'account' || result.remainingPoints === 0) {
      reply.header('ratelimit-policy', `"${name}";q=${points};w=${this.config.RATE_LIMIT_WINDOW}`);
      reply.header('ratelimit', `"${name}";r=${result.remainingPoints};t=${seconds}`);
    }
    if (result.consumedPoints <= points) return;
    this.metrics.refusals.inc({ limit: name });
    reply.header('retry-after', String(seconds));
    throw new DomainError('RATE_LIMITED', `Too many requests: try again in ${seconds} s.`);
  }

  private limit(name: string, points: number): Limit {
    const options = { points, duration: this.config.RATE_LIMIT_WINDOW, keyPrefix: `orders:limit:${name}` };
    const memory = new RateLimiterMemory(options);
    if (!this.redis) return { name, points, limiter: memory };
    const limiter = new RateLimiterRedis({ ...options, storeClient: this.redis, insuranceLimiter: memory });
    return { name, points, limiter };
  }

  private connect(url: string): Redis {
    // No queue and no retries for a command: a request waits for a store that is away no longer than it takes to notice.
    const redis = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 });
    redis.on('error', (error) => this.logger.warn(`Redis: ${error.message}; counting in this process`));
    return redis;
  }
}

/** An IPv6 network counts as one address: whoever has one has the whole /64. */
function addressOf({ ip }: FastifyRequest): string {
  return isIPv6(ip) && !ip.startsWith('::ffff:') ? `${expand(ip).slice(0, 4).join(':')}::/64` : ip;
}

/** The eight groups of an IPv6 address. */
function expand(ip: string): string[] {
  const [head = '', tail] = ip.split('%')[0]?.split('::') ?? [];
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  return tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
}

/** Whom a request for credentials is about, as far as it says so. */
function accountOf(body: unknown): string | undefined {
  const { email, username } = Object(body) as { email?: unknown; username?: unknown };
  const account = email ?? username;
  return typeof account === 'string' ? account.toLowerCase().slice(0, 254) : undefined;
}
