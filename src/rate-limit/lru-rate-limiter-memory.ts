import { type IRateLimiterOptions, RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

/** Keys that one limit counts at most. */
const MAX_KEYS = 50_000;

/**
 * Counts in this process, for so many keys at most: past that, the one that was asked about longest ago is forgotten.
 * Made-up addresses and accounts cannot fill the memory, and a caller that keeps asking stays counted.
 */
export class LruRateLimiterMemory extends RateLimiterMemory {
  /** By the time of their last use; some may have run out since. */
  private readonly keys = new Set<string>();

  constructor(
    options: IRateLimiterOptions,
    private readonly max = MAX_KEYS,
  ) {
    super(options);
  }

  override consume(key: string): Promise<RateLimiterRes> {
    this.used(key);
    return super.consume(key);
  }

  override set(key: string, points: number, seconds: number): Promise<RateLimiterRes> {
    this.used(key);
    return super.set(key, points, seconds);
  }

  private used(key: string): void {
    this.keys.delete(key);
    this.keys.add(key);
    if (this.keys.size <= this.max) return;
    const oldest = this.keys.values().next().value as string;
    this.keys.delete(oldest);
    void this.delete(oldest);
  }
}
