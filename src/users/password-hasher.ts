import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { verify as verifyBcrypt } from '@node-rs/bcrypt';
import { DomainError } from '../errors/domain-error';

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashing holds a core and 19 MiB for about 13 ms: more at a time than this would starve orders on a small machine. */
const AT_A_TIME = 1;

/** Those who may wait for their turn: a good second's work. Who comes later is sent away instead of waiting for ever. */
const MAX_WAITING = 100;

/** Hashes and verifies passwords. Unicode is normalised (NFKC), so that any keyboard types the same password. */
@Injectable()
export class PasswordHasher {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  /** Verified against when there is no such user, so that the answer takes as long as for a wrong password. */
  private readonly decoy = hash('decoy', ARGON2);

  /** An argon2id hash in PHC form. Errors: UNAVAILABLE when too many wait already. */
  hash(password: string): Promise<string> {
    return this.limited(() => hash(password.normalize('NFKC'), ARGON2));
  }

  /**
   * True if `password` made `stored`; without a stored hash always false, in the same time.
   * Errors: UNAVAILABLE when too many wait already.
   */
  async verify(stored: string | undefined, password: string): Promise<boolean> {
    const matches = await this.limited(async () => {
      // The earlier systems hashed what was typed, as it was typed.
      if (stored && isBcrypt(stored)) return verifyBcrypt(password, stored);
      return verify(stored ?? (await this.decoy), password.normalize('NFKC'));
    });
    return matches && stored !== undefined;
  }

  /** True for a hash of an earlier system, to be replaced as soon as the password is known. */
  isOutdated(stored: string): boolean {
    return isBcrypt(stored);
  }

  private async limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting.length >= MAX_WAITING) {
      throw new DomainError('UNAVAILABLE', 'Too many passwords are being checked just now. Try again shortly.');
    }
    if (this.running >= AT_A_TIME) await new Promise<void>((go) => this.waiting.push(go));
    else this.running++;
    try {
      return await work();
    } finally {
      // The place is handed to the next in line, so `running` stays as it is unless nobody waits.
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}

const isBcrypt = (stored: string) => /^\$2[aby]\$/.test(stored);
