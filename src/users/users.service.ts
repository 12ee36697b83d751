import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import type { Principal } from '../access/principal';
import { ConnectionShares } from '../database/connection-shares';
import { containsText } from '../database/search';
import { DomainError, notFound } from '../errors/domain-error';
import { pageById } from '../http/dto/pagination';
import { assertVersion, type ExpectedVersions } from '../http/etag';
import { Operation } from '../observability/operation';
import { Credentials } from './credentials';
import { EmailAddresses } from './email-addresses';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';
import { rejectTaken } from './taken';
import { User } from './user.entity';
import { UserCache } from './user-cache';
import {
  type CreateUserRequest,
  type RegisterRequest,
  type UpdateUserRequest,
  type UsersQuery,
} from './user-request.dto';
import { toUserResponse, type UserListResponse, type UserResponse } from './user-response.dto';

/** The accounts. Admins reach all of them, users their own; another's is NOT_FOUND, as if it did not exist. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly cache: UserCache,
    private readonly credentials: Credentials,
    private readonly addresses: EmailAddresses,
    private readonly shares: ConnectionShares,
  ) {}

  /** One page of all accounts, by id. Admins only. Errors: VALIDATION_FAILED. */
  async list(query: UsersQuery): Promise<UserListResponse> {
    const found = this.users.createQueryBuilder('user');
    if (query.role !== undefined) found.andWhere('user.role = :role', { role: query.role });
    if (query.active !== undefined) found.andWhere('user.active = :active', { active: query.active });
    if (query.q !== undefined) found.andWhere(containsText('user', ':q'), { q: query.q });
    const { rows, page } = await this.shares.lists.run(() => pageById(query, found));
    return { users: rows.map(toUserResponse), ...page };
  }

  /** One account. Errors: NOT_FOUND. */
  async get(id: number, principal: Principal): Promise<UserResponse> {
    assertSelfOrAdmin(id, principal);
    const user = await this.users.findOneBy({ id });
    if (!user) throw notFound('User');
    return toUserResponse(user);
  }

  /** Opens an account with the role `user`, and sends a link that proves its address. Errors: those of {@link create}. */
  @Operation('users.register')
  async register(request: RegisterRequest): Promise<UserResponse> {
    const user = await this.newUser({ ...request, role: 'user' });
    const saved = await this.users.manager.transaction(async (manager) => {
      const { id } = await manager.save(User, user).catch(rejectTaken);
      await this.addresses.sendToken(manager, id, user.email);
      return manager.findOneByOrFail(User, { id });
    });
    return toUserResponse(saved);
  }

  /**
   * Opens an account with any role, whose address counts as proved. Admins only.
   * Errors: VALIDATION_FAILED, EMAIL_TAKEN, USERNAME_TAKEN.
   */
  @Operation('users.create')
  async create(request: CreateUserRequest): Promise<UserResponse> {
    const user = { ...(await this.newUser(request)), email_confirmed_at: new Date() };
    return toUserResponse(await this.users.save(user).catch(rejectTaken));
  }

  private async newUser({
    password,
    ...fields
  }: CreateUserRequest): Promise<Omit<CreateUserRequest, 'password'> & Pick<User, 'password_hash'>> {
    this.policy.check(password, fields);
    return { ...fields, password_hash: await this.passwords.hash(password) };
  }

  /**
   * Changes what is given: name, e-mail and username of oneself; an admin also changes others, and role and activity. A new
   * role or activity ends every token and session of the user. For a new e-mail see {@link EmailAddresses.change}.
   * One's own e-mail or username, and any role, take the caller's `current_password`.
   * Errors: NOT_FOUND, FORBIDDEN (role or activity, not an admin), VALIDATION_FAILED (`current_password`), RATE_LIMITED,
   * EMAIL_TAKEN, USERNAME_TAKEN, LAST_ADMIN, PRECONDITION_FAILED (not one of `versions`).
   */
  @Operation('users.update')
  async update(
    id: number,
    { current_password, ...changes }: UpdateUserRequest,
    actor: Principal,
    versions?: ExpectedVersions,
  ): Promise<UserResponse> {
    assertSelfOrAdmin(id, actor);
    const { role, active, email, username } = changes;
    if (actor.role !== 'admin' && (role !== undefined || active !== undefined)) {
      throw new DomainError('FORBIDDEN', 'Only an admin may change a role or (de)activate an account.');
    }
    const takesPassword = role !== undefined || (actor.id === id && (email !== undefined || username !== undefined));
    if (takesPassword) await this.credentials.prove(actor, current_password);
    const changed = await this.users.manager.transaction((manager) =>
      this.change(manager, id, changes, actor, versions),
    );
    this.cache.invalidate(id);
    return toUserResponse(changed);
  }

  private async change(
    manager: EntityManager,
    id: number,
    { email, ...changes }: Omit<UpdateUserRequest, 'current_password'>,
    actor: Principal,
    versions: ExpectedVersions,
  ): Promise<User> {
    const { role, active } = changes;
    if (role === 'user' || active === false) await assertNotLastAdmin(manager, id);
    const user = await manager.findOne(User, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (!user) throw notFound('User');
    assertVersion(user.version, versions);
    const address = email === undefined ? {} : await this.addresses.change(manager, user, email, actor);
    const ends = (role ?? user.role) !== user.role || (active ?? user.active) !== user.active;
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const ended = ends ? { token_version: user.token_version + 1, kept_session: null } : {};
    await manager
      .update(User, id, { ...given, ...address, ...ended, version: user.version + 1, updated_at: () => 'now()' })
      .catch(rejectTaken);
    return manager.findOneByOrFail(User, { id });
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
