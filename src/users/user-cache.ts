import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { TtlCache } from '../access/ttl-cache';
import { User } from './user.entity';

/** What the authentication must know of a user at each request. */
export type UserState = Pick<
  User,
  'id' | 'name' | 'role' | 'active' | 'token_version' | 'kept_session' | 'email_confirmed_at'
>;

/** Users as the authentication sees them: at most 5 s old, and fresh in the process that changed them. */
@Injectable()
export class UserCache {
  private readonly memory = new TtlCache((id: number) => this.read(id));

  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  /** The user's present state; null if there is no such user. */
  get(id: number): Promise<UserState | null> {
    return this.memory.get(id);
  }

  /** To be called after every committed change of a user. */
  invalidate(id: number): void {
    this.memory.delete(id);
  }

  private read(id: number): Promise<UserState | null> {
    const select = { id: true, name: true, role: true, active: true, token_version: true };
    return this.users.findOne({ where: { id }, select: { ...select, kept_session: true, email_confirmed_at: true } });
  }
}
