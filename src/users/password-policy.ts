import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { validationFailed } from '../errors/domain-error';

const COMMON = new Set(
  readFileSync(join(__dirname, 'common-passwords.txt'), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#')),
);

/** Upper case, lower case, digit, and anything else: a character of each. */
const COMPLEX = [/\p{Lu}/u, /\p{Ll}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}]/u];

/** Whose password it is to be. */
export interface Person {
  name: string;
  email: string;
  username?: string | null;
}

/** Decides which passwords are accepted, wherever one is chosen. */
@Injectable()
export class PasswordPolicy {
  constructor(private readonly config: Config) {}

  /** Refuses a password that is too easy to guess. `field` names it in the answer. Errors: VALIDATION_FAILED. */
  check(password: string, person: Person, field = 'password'): void {
    const message = this.objection(password.normalize('NFKC'), person);
    if (message) throw validationFailed([{ field, message }]);
  }

  private objection(password: string, { name, email, username }: Person): string | undefined {
    // Once more, because it is the normalised form that is hashed: it may be shorter than what was typed.
    const { length } = [...password];
    if (length < 8 || length > 128) return 'must have 8 to 128 characters';
    const plain = password.toLowerCase();
    const own = [name, email, email.split('@', 1)[0], username].map((text) => text?.normalize('NFKC').toLowerCase());
    if (own.includes(plain)) return 'must not be your own name, e-mail or username';
    if (COMMON.has(plain)) return 'is one of the most common passwords: choose another one';
    if (this.config.PASSWORD_POLICY === 'complex' && !COMPLEX.every((kind) => kind.test(password))) {
      return 'must have an upper-case letter, a lower-case letter, a digit and another character';
    }
    return undefined;
  }
}
