import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { violatedConstraint } from '../common/database-errors';
import { DomainError } from '../common/domain-error';
import { checkPassword, Passwords } from './passwords';
import { User } from './user.entity';

export interface NewUser {
  name: string;
  email: string;
  password: string;
  username?: string | undefined;
  role?: 'user' | 'admin';
}

/** What the access guard must know of a user at each request. */
export type UserState = Pick<User, 'id' | 'name' | 'role' | 'active' | 'token_version'>;

/** How long another process may go on believing in a user who was deactivated here, in milliseconds. */
const STATE_TTL = 5_000;

/** The accounts. */
@Injectable()
export class UsersService {
  private readonly states = new Map<number, { state: UserState | null; until: number }>();

  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: Passwords,
  ) {}

  /** Creates an account. Errors: VALIDATION_FAILED (password), EMAIL_TAKEN, USERNAME_TAKEN. */
  async create({ password, role = 'user', username, ...rest }: NewUser): Promise<User> {
    checkPassword(password, rest);
    const password_hash = await this.passwords.hash(password);
    try {
      return await this.users.save(this.users.create({ ...rest, username: username ?? null, role, password_hash }));
    } catch (error) {
      throw takenError(error) ?? error;
    }
  }

  /** The user with this e-mail or username (without regard to case) if the password is right and the account active. */
  async authenticate(login: string, password: string): Promise<User> {
    const user = await this.users
      .createQueryBuilder('user')
      .where('lower(user.email) = lower(:login)', { login })
      .orWhere('lower(user.username) = lower(:login)', { login })
      .getOne();
    const matches = await this.passwords.verify(user?.password_hash, password);
    if (!user || !matches || !user.active) {
      throw new DomainError('INVALID_CREDENTIALS', 'The e-mail, username or password is wrong.');
    }
    return user;
  }

  /** One user by id, or null. */
  findById(id: number): Promise<User | null> {
    return this.users.findOneBy({ id });
  }

  /** What the guard needs, from one indexed read that is remembered for 5 s. */
  async state(id: number): Promise<UserState | null> {
    const now = Date.now();
    const known = this.states.get(id);
    if (known && known.until > now) return known.state;
    const state = await this.users.findOne({
      where: { id },
      select: { id: true, name: true, role: true, active: true, token_version: true },
    });
    if (this.states.size > 10_000) this.states.clear();
    this.states.set(id, { state, until: now + STATE_TTL });
    return state;
  }

  /** Whether any active admin exists. */
  hasAdmin(): Promise<boolean> {
    return this.users.existsBy({ role: 'admin', active: true });
  }
}

/** The refusal for a violated unique index on e-mail or username. */
function takenError(error: unknown): DomainError | undefined {
  const constraint = violatedConstraint(error);
  if (constraint === 'users_email')
    return new DomainError('EMAIL_TAKEN', 'There is already an account with this e-mail.');
  if (constraint === 'users_username') return new DomainError('USERNAME_TAKEN', 'This username is taken.');
  return undefined;
}
