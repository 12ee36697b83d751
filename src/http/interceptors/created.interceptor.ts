import { type CallHandler, type ExecutionContext, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';

/** Adds the `Location` of what was created. */
class LocationInterceptor implements NestInterceptor<{ id: number }, { id: number }> {
  constructor(private readonly collection: string) {}

  intercept(context: ExecutionContext, next: CallHandler<{ id: number }>): Observable<{ id: number }> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body) => {
        reply.header('location', `/api/v1/${this.collection}/${body.id}`);
        return body;
      }),
    );
  }
}

/** This route creates something in a collection, such as `orders`: its response tells where. */
export const CreatesIn = (collection: string) => UseInterceptors(new LocationInterceptor(collection));
