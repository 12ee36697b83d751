import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import type { Principal } from '../access/principal';
import { containsText } from '../database/search';
import { violatedConstraint } from '../errors/database-errors';
import { DomainError, notFound } from '../errors/domain-error';
import { pageById } from '../http/dto/pagination';
import { Operation } from '../observability/operation';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';
import {
  type CreateUserRequest,
  toUserResponse,
  type UpdateUserRequest,
  type UserListResponse,
  type UserResponse,
  type UsersQuery,
} from './user.dto';
import { User } from './user.entity';
import { UserCache } from './user-cache';

/** The accounts. Admins reach all of them, users their own; another's is NOT_FOUND, as if it did not exist. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly cache: UserCache,
  ) {}

  /** One page of all accounts, by id. Admins only. Errors: VALIDATION_FAILED. */
  async list(query: UsersQuery): Promise<UserListResponse> {
    const found = this.users.createQueryBuilder('user');
    if (query.role !== undefined) found.andWhere('user.role = :role', { role: query.role });
    if (query.active !== undefined) found.andWhere('user.active = :active', { active: query.active });
    if (query.q !== undefined) found.andWhere(containsText('user', ':q'), { q: query.q });
    const { rows, page } = await pageById(query, found);
    return { users: rows.map(toUserResponse), ...page };
  }

  /** One account. Errors: NOT_FOUND. */
  async get(id: number, principal: Principal): Promise<UserResponse> {
    assertSelfOrAdmin(id, principal);
    const user = await this.users.findOneBy({ id });
    if (!user) throw notFound('User');
    return toUserResponse(user);
  }

  /** Opens an account. Only admins may choose its role. Errors: VALIDATION_FAILED, EMAIL_TAKEN, USERNAME_TAKEN. */
  @Operation('users.create')
  async create({ password, ...fields }: CreateUserRequest): Promise<UserResponse> {
    this.policy.check(password, fields);
    const password_hash = await this.passwords.hash(password);
    return toUserResponse(await this.users.save({ ...fields, password_hash }).catch(rejectTaken));
  }

  /**
   * Changes what is given: name, e-mail and username of oneself; an admin also changes others, and role and activity. A new
   * role or activity ends every token and session of the user.
   * Errors: NOT_FOUND, FORBIDDEN (role or activity, not an admin), EMAIL_TAKEN, USERNAME_TAKEN, LAST_ADMIN.
   */
  @Operation('users.update')
  async update(id: number, changes: UpdateUserRequest, actor: Principal): Promise<UserResponse> {
    assertSelfOrAdmin(id, actor);
    const { role, active } = changes;
    if (actor.role !== 'admin' && (role !== undefined || active !== undefined)) {
      throw new DomainError('FORBIDDEN', 'Only an admin may change a role or (de)activate an account.');
    }
    const changed = await this.users.manager.transaction(async (manager) => {
      if (role === 'user' || active === false) await assertNotLastAdmin(manager, id);
      const user = await manager.findOne(User, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (!user) throw notFound('User');
      const ends = (role ?? user.role) !== user.role || (active ?? user.active) !== user.active;
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      await manager
        .update(User, id, { ...given, token_version: user.token_version + Number(ends), updated_at: () => 'now()' })
        .catch(rejectTaken);
      return manager.findOneByOrFail(User, { id });
    });
    this.cache.invalidate(id);
    return toUserResponse(changed);
  }

  /** Whether any active admin exists. */
  hasAdmin(): Promise<boolean> {
    return this.users.existsBy({ role: 'admin', active: true });
  }
}

/**
 * Locks all active admins until the transaction ends, so that those who would take away the last two come one after the
 * other, and the later one sees what the first has left. In the order of ids: two never wait for each other in a circle.
 */
async function assertNotLastAdmin(manager: EntityManager, id: number): Promise<void> {
  const admins = await manager.find(User, {
    select: { id: true },
    where: { role: 'admin', active: true },
    order: { id: 'ASC' },
    lock: { mode: 'pessimistic_write' },
  });
  if (admins.length === 1 && admins[0]?.id === id) {
    throw new DomainError('LAST_ADMIN', 'This is the last active admin: make another one first.');
  }
}

function assertSelfOrAdmin(id: number, principal: Principal): void {
  if (principal.role !== 'admin' && principal.id !== id) throw notFound('User');
}

function rejectTaken(error: unknown): never {
  const constraint = violatedConstraint(error);
  if (constraint === 'users_email')
    throw new DomainError('EMAIL_TAKEN', 'There is already an account with this e-mail.');
  if (constraint === 'users_username') throw new DomainError('USERNAME_TAKEN', 'This username is taken.');
  throw error;
}
