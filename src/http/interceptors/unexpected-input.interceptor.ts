import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { validationFailed } from '../../errors/domain-error';

/**
 * Refuses the query or the body of a request for a route that reads none: without a DTO nothing else would say that a field
 * is unknown. Outside of the API it is let pass: load balancers and scrapers add parameters of their own.
 */
export class UnexpectedInputInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { routeOptions, query, body } = context.switchToHttp().getRequest<FastifyRequest>();
    const unread = [
      ...(reads(context, RouteParamtypes.QUERY) ? [] : keysOf(query)),
      ...(reads(context, RouteParamtypes.BODY) ? [] : keysOf(body)),
    ];
    if (unread.length > 0 && routeOptions.url?.startsWith('/api/')) {
      throw validationFailed(unread.map((field) => ({ field, message: 'is not a known field' })));
    }
    return next.handle();
  }
}

/** Whether the handler has an argument of this type, such as `@Query()`. */
function reads(context: ExecutionContext, type: RouteParamtypes): boolean {
  const read: object = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name) ?? {};
  return Object.keys(read).some((key) => key.startsWith(`${type}:`));
}

const keysOf = (value: unknown) => (typeof value === 'object' && value !== null ? Object.keys(value) : []);
