import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Principal } from '../access/principal';
import { DomainError, validationFailed } from '../errors/domain-error';
import { publish } from '../events/outbox';
import { Operation } from '../observability/operation';
import { GuessLimiter } from '../rate-limit/guess-limiter';
import { folded } from './folded';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';
import { User } from './user.entity';
import { UserCache } from './user-cache';

/** Who is who, by password. */
@Injectable()
export class Credentials {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly cache: UserCache,
    private readonly guesses: GuessLimiter,
  ) {}

  /**
   * The user with this e-mail or username (without regard to case) if the password is right and the account active.
   * A hash of an earlier system is replaced by one of ours.
   * Errors: INVALID_CREDENTIALS, the same and in the same time whatever is wrong; RATE_LIMITED.
   */
  async authenticate(login: string, password: string): Promise<User> {
    const user = await this.users
      .createQueryBuilder('user')
      .where(`${folded('user.email')} = ${folded(':login')}`, { login })
      .orWhere(`${folded('user.username')} = ${folded(':login')}`, { login })
      .getOne();
    await this.guesses.attempt(user ? accountOf(user.id) : unknownAccount(login));
    // A deactivated account costs what an unknown one does, also with the right password.
    const matches = await this.passwords.verify(user?.active ? user.password_hash : undefined, password);
    if (!user || !matches) {
      throw new DomainError('INVALID_CREDENTIALS', 'The e-mail, username or password is wrong.');
    }
    await this.guesses.succeeded(accountOf(user.id));
    if (this.passwords.isOutdated(user.password_hash)) await this.replaceHash(user, password);
    return user;
  }

  /** The password is the same, so what it opened stays open. Only over the hash that was checked: it may be new by now. */
  private async replaceHash({ id, password_hash }: User, password: string): Promise<void> {
    await this.users.update({ id, password_hash }, { password_hash: await this.passwords.hash(password) });
  }

  /** Ends every session and every token of the caller, this one included. */
  @Operation('users.end_all')
  async endAll(principal: Principal): Promise<void> {
    const id = principal.id as number;
    await this.users.update(id, { token_version: () => 'token_version + 1', kept_session: null });
    this.cache.invalidate(id);
  }

  /**
   * Gives the caller a new password; see {@link setPassword}.
   * Errors: VALIDATION_FAILED (the present password is wrong, or the new one too easy), RATE_LIMITED.
   */
  @Operation('users.change_password')
  async changePassword(current: string, password: string, principal: Principal): Promise<void> {
    const user = await this.prove(principal, current);
    if (!(await this.setPassword(user, password))) throw wrongPassword();
  }

  /**
   * The account of the caller, if this is its password: for what a stolen access token must not be enough for. Limited like a
   * login. Errors: VALIDATION_FAILED (`current_password` is missing or wrong), RATE_LIMITED.
   */
  async prove(principal: Principal, current: string | undefined): Promise<User> {
    if (current === undefined)
      throw validationFailed([{ field: 'current_password', message: 'is needed for this change' }]);
    const user = await this.users.findOneByOrFail({ id: principal.id as number });
    await this.guesses.attempt(accountOf(user.id));
    if (!(await this.passwords.verify(user.password_hash, current))) throw wrongPassword();
    await this.guesses.succeeded(accountOf(user.id));
    return user;
  }

  /**
   * Gives `user` a new password, which ends every session and token of theirs, takes back a change of the address that is not
   * confirmed, and tells them by e-mail. Returns false, and changes nothing, when their token version is not what it was: of
   * two changes at once, the second had no right to it. `columns` are set as well.
   * Errors: VALIDATION_FAILED (`new_password` is too easy).
   */
  async setPassword(user: User, password: string, columns: Partial<User> = {}): Promise<boolean> {
    this.policy.check(password, user, 'new_password');
    const password_hash = await this.passwords.hash(password);
    const changed = await this.users.manager.transaction(async (manager) => {
      const { affected } = await manager.update(
        User,
        { id: user.id, token_version: user.token_version, active: true },
        {
          ...{ ...columns, password_hash, pending_email: null, kept_session: null },
          ...{ token_version: user.token_version + 1, version: () => 'version + 1', updated_at: () => 'now()' },
        },
      );
      if (affected === 1) {
        const event = { topic: 'user.password_changed', aggregate_type: 'user', sequence: null, payload: {} } as const;
        await publish(manager, { ...event, aggregate_id: user.id });
      }
      return affected === 1;
    });
    this.cache.invalidate(user.id);
    return changed;
  }
}

const unknownAccount = (login: string) => `name:${login.slice(0, 254).toLowerCase()}`;
const accountOf = (id: number) => `user:${id}`;

const wrongPassword = () => validationFailed([{ field: 'current_password', message: 'is not your present password' }]);
