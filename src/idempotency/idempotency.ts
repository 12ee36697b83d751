import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { DomainError } from '../errors/domain-error';
import { IdempotencyKey } from './idempotency-key.entity';

/** An `Idempotency-Key` as it was sent, bound to its caller and to the request it came with. */
export interface Idempotency {
  caller: string;
  key: string;
  requestHash: string;
}

/** Binds a key to its caller and its request; undefined without a key. */
export function bindIdempotency(
  key: string | undefined,
  request: object,
  principal: Principal,
): Idempotency | undefined {
  if (key === undefined) return undefined;
  return { caller: `${principal.type}:${principal.id}`, key, requestHash: hashOf(request) };
}

/** The condition of a key that is no longer kept, whether or not it has been deleted yet. */
const EXPIRED = `created_at < now() - interval '24 hours'`;

/**
 * The response to the first request with this key, to be sent again; undefined when the key is new or expired.
 * Errors: IDEMPOTENCY_KEY_REUSED when it came with another body.
 */
export async function findStoredResponse(
  manager: EntityManager,
  { caller, key, requestHash }: Idempotency,
): Promise<unknown> {
  const known = await manager
    .createQueryBuilder(IdempotencyKey, 'known')
    .where(`caller = :caller AND key = :key AND NOT ${EXPIRED}`, { caller, key })
    .getOne();
  if (known && known.request_hash !== requestHash) {
    throw new DomainError(
      'IDEMPOTENCY_KEY_REUSED',
      'This Idempotency-Key came with another body before: use a new key.',
    );
  }
  return known?.response;
}

/** Deletes this key if it is expired, so that it can be used anew; false if it is not. */
export async function deleteExpiredKey(manager: EntityManager, { caller, key }: Idempotency): Promise<boolean> {
  const sql = `DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND ${EXPIRED}`;
  const [, deleted]: [unknown, number] = await manager.query(sql, [caller, key]);
  return deleted > 0;
}

/** Deletes all expired keys, in steps that commit by themselves, until none is left or the process is stopping. */
export async function deleteExpiredKeys(manager: EntityManager, stopping: AbortSignal): Promise<void> {
  const old = `SELECT caller, key FROM idempotency_keys WHERE ${EXPIRED} LIMIT 10000`;
  while (!stopping.aborted) {
    const sql = `DELETE FROM idempotency_keys WHERE (caller, key) IN (${old})`;
    const [, forgotten]: [unknown, number] = await manager.query(sql);
    if (forgotten === 0) return;
  }
}

/** The same for bodies that differ only in the order of their fields. */
function hashOf(request: object): string {
  return createHash('sha256').update(JSON.stringify(request, sortKeys)).digest('base64');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
