import { Module } from '@nestjs/common';
import { ThrottlerModule, type ThrottlerOptions } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config';
import { GuessLimiter } from './guess-limiter';
import { type Limit, limitsOf } from './limits';
import { type Counts, GUESS, TOKEN } from './rate-limit.decorators';
import { addressOf, RateLimitGuard } from './rate-limit.guard';
import { RateLimitStorage } from './rate-limit.storage';

/** The throttlers that `RateLimitGuard` asks. `account` is not among them, see {@link GuessLimiter}. */
function throttlers(config: Config): ThrottlerOptions[] {
  const limits = limitsOf(config);
  return [
    {
      ...throttler(limits.default),
      // Scraped by machines at their own pace; not when a token is asked for, which could be guessed.
      skipIf: (context) => !config.METRICS_TOKEN && requestOf(context).routeOptions.url === '/metrics',
    },
    markedBy(GUESS, limits.credentials),
    markedBy(TOKEN, limits.tokens),
  ];
}

const throttler = ({ name, points, windowSeconds }: Limit) => ({ name, limit: points, ttl: windowSeconds * 1000 });

/** Limits, by address, the routes that a decorator marks, for the bodies that it names. */
function markedBy(metadata: string, limit: Limit): ThrottlerOptions {
  return {
    ...throttler(limit),
    getTracker: (request) => addressOf(request as FastifyRequest),
    skipIf: (context) => {
      const counts: Counts | undefined = Reflect.getMetadata(metadata, context.getHandler());
      return !counts?.(Object(requestOf(context).body));
    },
  };
}

const requestOf = (context: Parameters<NonNullable<ThrottlerOptions['skipIf']>>[0]) =>
  context.switchToHttp().getRequest<FastifyRequest>();

@Module({ providers: [RateLimitStorage], exports: [RateLimitStorage] })
class RateLimitStorageModule {}

/** How often somebody may ask. */
@Module({
  imports: [
    RateLimitStorageModule,
    ThrottlerModule.forRootAsync({
      imports: [RateLimitStorageModule],
      inject: [Config, RateLimitStorage],
      useFactory: (config: Config, storage: RateLimitStorage) => ({ storage, throttlers: throttlers(config) }),
    }),
  ],
  providers: [RateLimitGuard, GuessLimiter],
  exports: [RateLimitGuard, GuessLimiter, RateLimitStorageModule],
})
export class RateLimitModule {}
