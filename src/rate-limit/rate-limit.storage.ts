import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from '../config/config';
import { type LimitName, limitsOf } from './limits';
import { LruRateLimiterMemory } from './lru-rate-limiter-memory';

/** How long an address that logged in to an account is known: 7 days. */
const KNOWN_SECONDS = 7 * 24 * 3600;

type ThrottlerStorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * Counts for the throttler: in this process, bounded, or through REDIS_URL for all processes. While Redis is away each process
 * counts by itself. The storage of the throttler's own package is unbounded.
 */
@Injectable()
export class RateLimitStorage implements ThrottlerStorage, OnApplicationShutdown {
  private readonly logger = new Logger('rate-limits');
  private readonly redis: Redis | undefined;
  private readonly limiters: Record<LimitName, RateLimiterAbstract>;
  private readonly known: RateLimiterAbstract;

  constructor(config: Config) {
    this.redis = config.REDIS_URL ? this.connect(config.REDIS_URL) : undefined;
    const limits = limitsOf(config);
    const limiter = (name: LimitName) => this.limiter(name, limits[name].points, limits[name].windowSeconds);
    this.limiters = {
      default: limiter('default'),
      credentials: limiter('credentials'),
      account: limiter('account'),
      tokens: limiter('tokens'),
    };
    this.known = this.limiter('known', 1, KNOWN_SECONDS);
  }

  /** Counts one for `key`. Times of the answer are seconds. `ttl` and `limit` are those of {@link limitsOf}. */
  async increment(
    key: string,
    _ttlMs: number,
    limit: number,
    _blockDurationMs: number,
    name: string,
  ): Promise<ThrottlerStorageRecord> {
    const result = await this.limiters[name as LimitName].consume(key).catch((error: unknown) => {
      // A limiter rejects with its count when there is none left; with an error when neither store works.
      if (error instanceof RateLimiterRes) return error;
      throw error;
    });
    const seconds = Math.ceil(result.msBeforeNext / 1000);
    const isBlocked = result.consumedPoints > limit;
    return { totalHits: result.consumedPoints, timeToExpire: seconds, isBlocked, timeToBlockExpire: seconds };
  }

  /** Takes back one count of `key`. */
  async giveBack(name: LimitName, key: string): Promise<void> {
    await this.limiters[name].reward(key).catch(() => {});
  }

  /** True when nothing is left for `key` in the present window. */
  async isExhausted(name: LimitName, key: string): Promise<boolean> {
    const counted = await this.limiters[name].get(key).catch(() => null);
    return counted !== null && counted.remainingPoints <= 0;
  }

  /** Remembers for 7 days that `account` logged in from `address`. */
  async remember(account: string, address: string): Promise<void> {
    await this.known.set(`${account} ${address}`, 1, KNOWN_SECONDS).catch(() => {});
  }

  /** True when `account` logged in from `address` within the last 7 days. */
  async isKnown(account: string, address: string): Promise<boolean> {
    return (await this.known.get(`${account} ${address}`).catch(() => null)) !== null;
  }

  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }

  private limiter(name: string, points: number, duration: number): RateLimiterAbstract {
    const options = { points, duration, keyPrefix: `orders:limit:${name}` };
    const memory = new LruRateLimiterMemory(options);
    if (!this.redis) return memory;
    return new RateLimiterRedis({ ...options, storeClient: this.redis, insuranceLimiter: memory });
  }

  private connect(url: string): Redis {
    // No queue and no retries for a command: a request waits for a store that is away no longer than it takes to notice.
    const redis = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 });
    redis.on('error', (error) => this.logger.warn(`Redis: ${error.message}; counting in this process`));
    return redis;
  }
}
