import { isIPv6 } from 'node:net';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from '../config/config';
import { DomainError } from '../errors/domain-error';
import { ProcessMetrics } from '../observability/process-metrics';
import { LruRateLimiterMemory } from './lru-rate-limiter-memory';

/**
 * An account may be tried this many times as often as one address may try: a guess from many addresses is slowed, but a
 * single stranger can never use up what its owner needs to log in.
 */
const ADDRESSES_PER_ACCOUNT = 10;

/**
 * Asked by machines at their own pace, or files. By route, so that an address which does not exist is limited; and not the
 * metrics behind METRICS_TOKEN, which could be guessed there.
 */
const UNLIMITED = /^\/(health|metrics|docs|redoc|openapi\.json)(\/|$)/;

/** How long an address that logged in to an account is known: 7 days. */
const KNOWN_SECONDS = 7 * 24 * 3600;

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
  private readonly known: Limit;
  private readonly attempts = new WeakMap<FastifyRequest, { account: string; known: string }>();

  constructor(
    private readonly config: Config,
    private readonly metrics: ProcessMetrics,
  ) {
    this.redis = config.REDIS_URL ? this.connect(config.REDIS_URL) : undefined;
    this.general = this.limit('default', config.RATE_LIMIT_REQUESTS);
    this.credentials = this.limit('credentials', config.AUTH_RATE_LIMIT_REQUESTS);
    this.accounts = this.limit('account', config.AUTH_RATE_LIMIT_REQUESTS * ADDRESSES_PER_ACCOUNT);
    this.known = this.limit('known', 1);
  }

  /**
   * Has every request counted that reaches the router, whatever becomes of it: for the owner of its credential, or for its
   * address. To be called once, after the hook that reads credentials. Errors: RATE_LIMITED.
   */
  attach(server: FastifyInstance): void {
    server.addHook('onRequest', async (request, reply) => {
      const { url = '' } = request.routeOptions;
      if (UNLIMITED.test(url) && !(url === '/metrics' && this.config.METRICS_TOKEN)) return;
      await this.consume(this.general, request.countedAs ?? addressOf(request), reply);
    });
    server.addHook('onResponse', async (request, reply) => {
      if (reply.statusCode === 200) await this.remember(request);
    });
  }

  /**
   * Counts an attempt to log in, register, reset or change a password: for its address, and for the account that it is
   * about, so that neither one password over many accounts nor many passwords for one account come far. An address from
   * which the owner has logged in is not held to what strangers do to the account: they cannot lock the owner out.
   * Errors: RATE_LIMITED.
   */
  async countCredentials(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.consume(this.credentials, addressOf(request), reply);
    const account = accountOf(request);
    if (!account) return;
    const attempt = { account, known: `${account} ${addressOf(request)}` };
    this.attempts.set(request, attempt);
    await this.consume(this.accounts, account, reply).catch(async (error: unknown) => {
      if (!(await this.known.limiter.get(attempt.known).catch(() => null))) throw error;
    });
  }

  /** A login that went well is no guess, and its address is let in from now on, whatever strangers do. */
  private async remember(request: FastifyRequest): Promise<void> {
    const attempt = this.attempts.get(request);
    if (!attempt) return;
    await this.accounts.limiter.reward(attempt.account).catch(() => {});
    await this.known.limiter.set(attempt.known, 1, KNOWN_SECONDS).catch(() => {});
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
    const memory = new LruRateLimiterMemory(options);
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

/** Whom a request for credentials is about: its caller, or whom it names, as far as it says so. */
function accountOf({ principal, body }: FastifyRequest): string | undefined {
  if (principal) return `${principal.type}:${principal.id}`;
  const { email, username } = Object(body) as { email?: unknown; username?: unknown };
  const account = email ?? username;
  return typeof account === 'string' ? `named:${account.toLowerCase().slice(0, 254)}` : undefined;
}
