import { Logger } from '@nestjs/common';
import type { Principal } from '../access/principal';
import { DomainError } from '../errors/domain-error';

const logger = new Logger('operation');

/**
 * Logs one line for each call of a domain operation: its name, the actor, the request id, how long it took (ms) and its
 * outcome (`ok`, or the code of the refusal). Arguments and results are never logged: they may hold secrets. The actor is
 * the argument that is a {@link Principal}, wherever it stands.
 */
export function Operation(name: string) {
  return (_target: object, _key: string, descriptor: PropertyDescriptor): void => {
    const original = descriptor.value as (...args: unknown[]) => Promise<unknown>;
    descriptor.value = async function (this: unknown, ...args: unknown[]) {
      const started = performance.now();
      const actor = args.find(isPrincipal);
      const log = (outcome: string) =>
        logger.log({
          operation: name,
          outcome,
          duration_ms: Math.round(performance.now() - started),
          actor: actor && `${actor.type}:${actor.id ?? actor.name}`,
          request_id: actor?.requestId,
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

const isPrincipal = (value: unknown): value is Principal =>
  typeof value === 'object' && value !== null && 'role' in value && 'requestId' in value;
