import { type CallHandler, type ExecutionContext, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';

/** The response of an operation that takes an `Idempotency-Key`. */
export interface Replayable<Body> {
  response: Body;
  /** It is the response to an earlier request with the same key. */
  replayed: boolean;
}

/** Unwraps {@link Replayable}, and says in a header whether it was replayed. */
class ReplayInterceptor<Body> implements NestInterceptor<Replayable<Body>, Body> {
  intercept(context: ExecutionContext, next: CallHandler<Replayable<Body>>): Observable<Body> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map(({ response, replayed }) => {
        if (replayed) reply.header('idempotent-replayed', 'true');
        return response;
      }),
    );
  }
}

/** This route may replay an earlier response. Must stand above the other interceptors of the route, which see the response. */
export const MayReplay = () => UseInterceptors(new ReplayInterceptor());
