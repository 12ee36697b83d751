import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { ProcessMetrics } from '../observability/process-metrics';
import { currentRequest } from '../observability/request-context';
import { type Limit, limitsOf, rateLimited } from './limits';
import { addressOf } from './rate-limit.guard';
import { RateLimitStorage } from './rate-limit.storage';

/**
 * Limits guesses at the password of one account from all addresses together. `RateLimitGuard` limits those of one address over
 * all accounts (`@LimitGuesses`). Counted where the account is known, because only the database decides which account a
 * name belongs to.
 */
@Injectable()
export class GuessLimiter {
  private readonly limit: Limit;

  constructor(
    private readonly storage: RateLimitStorage,
    private readonly metrics: ProcessMetrics,
    config: Config,
  ) {
    this.limit = limitsOf(config).account;
  }

  /**
   * Counts an attempt, before the password is checked. From an address where the owner has logged in within 7 days nothing is
   * refused: strangers cannot lock the owner out. Errors: RATE_LIMITED.
   */
  async attempt(account: string): Promise<void> {
    const { points, windowSeconds } = this.limit;
    const counted = await this.storage.increment(account, windowSeconds * 1000, points, 0, 'account');
    if (!counted.isBlocked || (await this.storage.isKnown(account, currentAddress()))) return;
    this.metrics.refusals.inc({ limit: 'account' });
    throw rateLimited(this.limit, counted.totalHits, counted.timeToExpire);
  }

  /** The password was right, so the attempt was no guess: it does not count, and the account is known at this address. */
  async succeeded(account: string): Promise<void> {
    const address = currentAddress();
    await Promise.all([
      this.storage.giveBack('account', account),
      this.storage.giveBack('credentials', address),
      this.storage.remember(account, address),
    ]);
  }
}

function currentAddress(): string {
  const request = currentRequest();
  return request ? addressOf(request) : 'none';
}
