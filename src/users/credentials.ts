import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { DomainError } from '../common/domain-error';
import { Passwords } from './passwords';
import { User } from './user.entity';

/** Who is who, by password. */
@Injectable()
export class Credentials {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: Passwords,
  ) {}

  /**
   * The user with this e-mail or username (without regard to case) if the password is right and the account active.
   * Errors: INVALID_CREDENTIALS, the same and in the same time whatever is wrong.
   */
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
}
