import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { validationFailed } from '../common/domain-error';

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashing holds a core and 19 MiB for about 20 ms: more at a time than this would starve everything else. */
const AT_A_TIME = 2;

/** Hashes and verifies passwords. Unicode is normalised (NFKC), so that any keyboard types the same password. */
@Injectable()
export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  /** Verified against when there is no such user, so that the answer takes as long as for a wrong password. */
  private readonly decoy = hash('decoy', ARGON2);

  /** An argon2id hash in PHC form. */
  hash(password: string): Promise<string> {
    return this.limited(() => hash(password.normalize('NFKC'), ARGON2));
  }

  /** True if `password` made `stored`; without a stored hash always false, in the same time. */
  async verify(stored: string | undefined, password: string): Promise<boolean> {
    const matches = await this.limited(async () => verify(stored ?? (await this.decoy), password.normalize('NFKC')));
    return matches && stored !== undefined;
  }

  private async limited<T>(work: () => Promise<T>): Promise<T> {
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

/** Refuses (400) a password that is too easy to guess. `field` names it in the answer. */
export function checkPassword(password: string, person: { name: string; email: string }, field = 'password'): void {
  const plain = password.normalize('NFKC').toLowerCase();
  const own = [person.name, person.email, person.email.split('@', 1)[0] as string].map((text) => text.toLowerCase());
  if (own.includes(plain)) throw validationFailed([{ field, message: 'must not be your own name or e-mail' }]);
}
