import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { normalizeIp, ThrottlerGuard, type ThrottlerRequest } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { withoutPort } from '../http/client-address';
import { ProcessMetrics } from '../observability/process-metrics';
import { type Limit, type LimitName, limitHeaders, rateLimited } from './limits';

declare module 'fastify' {
  interface FastifyRequest {
    /** A guard has counted this request, or found that its route is not limited. */
    counted?: boolean;
  }
}

/** Limits how often a principal, or an address, may send requests. One count for all routes. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  @Inject() private readonly metrics!: ProcessMetrics;

  /** Errors: RATE_LIMITED. */
  override canActivate(context: ExecutionContext): Promise<boolean> {
    context.switchToHttp().getRequest<FastifyRequest>().counted = true;
    return super.canActivate(context);
  }

  /**
   * Counts a request that no guard has seen, because it was refused before: an unknown path or method, a body that cannot be
   * read. Errors: RATE_LIMITED.
   */
  async countUnseen(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.counted) return;
    request.counted = true;
    const throttler = this.throttlers.find(({ name }) => name === 'default');
    await this.count('default', addressOf(request), Number(throttler?.limit), Number(throttler?.ttl), reply);
  }

  /** Counts by principal, or by address for nobody known. */
  protected override async getTracker(request: FastifyRequest): Promise<string> {
    const { principal } = request;
    return principal ? `${principal.type}:${principal.id}` : addressOf(request);
  }

  protected override async handleRequest(request: ThrottlerRequest): Promise<boolean> {
    const { context, limit, ttl, throttler, getTracker } = request;
    const { req, res } = this.getRequestResponse(context);
    await this.count(throttler.name as LimitName, await getTracker(req, context), limit, ttl, res as FastifyReply);
    return true;
  }

  private async count(name: LimitName, key: string, points: number, ttl: number, reply: FastifyReply): Promise<void> {
    const { totalHits, timeToExpire, isBlocked } = await this.storageService.increment(key, ttl, points, 0, name);
    const limit: Limit = { name, points, windowSeconds: ttl / 1000 };
    reply.headers(limitHeaders(limit, totalHits, timeToExpire));
    if (!isBlocked) return;
    this.metrics.refusals.inc({ limit: name });
    throw rateLimited(limit, totalHits, timeToExpire);
  }
}

/** The address that a request counts against, in one form however it was written. An IPv6 /64 is one address. */
export function addressOf({ ip }: { ip?: string | undefined }): string {
  return normalizeIp(withoutPort(ip ?? ''));
}
