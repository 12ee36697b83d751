import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { DomainError } from '../errors/domain-error';
import { IdempotencyKey } from './idempotency-key.entity';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** An `Idempotency-Key` as it was sent, bound to its caller and to the request it came with. */
export interface Idempotency {
  caller: string;
  key: string;
  requestHash: string;
}

/** Reads the header; undefined without one. Errors: IDEMPOTENCY_KEY_INVALID. */
export function readIdempotency(
  header: string | undefined,
  request: object,
  principal: Principal,
): Idempotency | undefined {
  if (header === undefined) return undefined;
  if (!KEY.test(header)) {
    throw new DomainError('IDEMPOTENCY_KEY_INVALID', 'Idempotency-Key must have 1 to 255 printable ASCII characters.');
  }
  return { caller: `${principal.type}:${principal.id}`, key: header, requestHash: hashOf(request) };
}

/**
 * The first answer to this key, to be sent again; undefined when the key is new.
 * Errors: IDEMPOTENCY_KEY_REUSED when it came with another body.
 */
export async function findStoredResponse(
  manager: EntityManager,
  { caller, key, requestHash }: Idempotency,
): Promise<unknown> {
  const known = await manager.findOneBy(IdempotencyKey, { caller, key });
  if (known && known.request_hash !== requestHash) {
    throw new DomainError(
      'IDEMPOTENCY_KEY_REUSED',
      'This Idempotency-Key came with another body before: use a new key.',
    );
  }
  return known?.response;
}

/** Forgets keys that are older than 24 hours, in steps that commit by themselves, until none is left or the process is stopping. */
export async function deleteExpiredKeys(manager: EntityManager, stopping: AbortSignal): Promise<void> {
  const old = `SELECT caller, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT 10000`;
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
