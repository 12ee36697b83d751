import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import { hash, verify } from '@node-rs/argon2';
import { verify as verifyBcrypt } from '@node-rs/bcrypt';
import type { EntityManager } from 'typeorm';
import { Turns } from './turns';

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Passwords that may wait for an argon2 hash, which holds a core and 19 MiB for some 13 ms: a good second's work. */
const MAX_WAITING = 100;

/** Passwords that may wait for a bcrypt hash, which holds a core for some 250 ms: two seconds' work. */
const MAX_WAITING_BCRYPT = 8;

/** The highest cost among the bcrypt hashes that are left. */
const HIGHEST_COST = `
  SELECT substr(password_hash, 5, 2) AS cost FROM users WHERE password_hash LIKE '$2%' ORDER BY cost DESC LIMIT 1`;

/**
 * Hashes and verifies passwords. Unicode is normalised (NFKC), so that any keyboard types the same password.
 *
 * A wrong password takes the same time whatever the account has: no account, an argon2id hash, or a bcrypt hash brought over
 * from an earlier system. While there are bcrypt hashes, every wrong password costs as much as the slowest of them. They have
 * turns of their own, so that a right password for an argon2id hash never waits for them.
 */
@Injectable()
export class PasswordHasher {
  private readonly turns = new Turns(MAX_WAITING);
  private readonly slowTurns = new Turns(MAX_WAITING_BCRYPT);
  /** Verified against when there is no argon2id hash. */
  private readonly decoy = hash('decoy', ARGON2);

  constructor(@InjectEntityManager() private readonly manager: EntityManager) {}

  /** An argon2id hash in PHC form. Errors: UNAVAILABLE when too many wait already. */
  hash(password: string): Promise<string> {
    return this.turns.run(() => hash(password.normalize('NFKC'), ARGON2));
  }

  /**
   * True if `password` made `stored`; without a stored hash always false, in the same time.
   * Errors: UNAVAILABLE when too many wait already.
   */
  async verify(stored: string | undefined, password: string): Promise<boolean> {
    const bcrypt = stored !== undefined && isBcrypt(stored) ? stored : undefined;
    const argon2 = bcrypt ? undefined : stored;
    const matches = await this.turns.run(async () => verify(argon2 ?? (await this.decoy), password.normalize('NFKC')));
    if (matches && argon2) return true;
    const [slowest] = await this.manager.query(HIGHEST_COST);
    const cost = Number(slowest?.cost ?? 0);
    return cost > 0 && this.slowTurns.run(() => verifyAtCost(cost, bcrypt, password));
  }

  /** True for a hash of an earlier system, to be replaced as soon as the password is known. */
  isOutdated(stored: string): boolean {
    return isBcrypt(stored);
  }
}

const isBcrypt = (stored: string) => /^\$2[aby]\$/.test(stored);
const costOf = (bcrypt: string) => Number(bcrypt.slice(4, 6));

/** A well-formed bcrypt hash of this cost that no password makes. */
const decoyAt = (cost: number) => `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;

/**
 * Compares with `stored`, if there is one. A wrong password takes as long as one hash of `cost`: each step of the cost doubles
 * the time, so that a hash of cost 8 and decoys of 8 and 9 are one of 10. The earlier systems hashed what was typed, as it was.
 */
async function verifyAtCost(cost: number, stored: string | undefined, password: string): Promise<boolean> {
  const matches = await verifyBcrypt(password, stored ?? decoyAt(cost));
  if (!stored || matches) return matches && stored !== undefined;
  for (let step = costOf(stored); step < cost; step++) await verifyBcrypt(password, decoyAt(step));
  return false;
}
