import { Logger } from '@nestjs/common';
import { SYSTEM } from '../access/principal';
import { DomainError } from '../errors/domain-error';
import { currentRequest } from './request-context';

const logger = new Logger('operation');

/**
 * Logs one line for each call of a domain operation: its name, the actor, the request id, its duration (ms) and its outcome
 * (`ok`, or the code of the refusal). Arguments and results are never logged: they may hold secrets. The actor is the
 * principal of the current request; outside of requests it is the service itself.
 */
export function Operation(name: string) {
  return (_target: object, _key: string, descriptor: PropertyDescriptor): void => {
    const original = descriptor.value as (...args: unknown[]) => Promise<unknown>;
    descriptor.value = async function (this: unknown, ...args: unknown[]) {
      const started = performance.now();
      const request = currentRequest();
      const actor = request ? request.principal : SYSTEM;
      const log = (outcome: string) =>
        logger.log({
          operation: name,
          outcome,
          duration_ms: Math.round(performance.now() - started),
          actor: actor && `${actor.type}:${actor.id ?? actor.name}`,
          request_id: request?.id,
        });
      try {
        const result = await original.apply(this, args);
        log('ok');
        return result;
      } catch (error) {
        log(error instanceof DomainError ? error.code : 'error');
        throw error;
      }
    };
  };
}
