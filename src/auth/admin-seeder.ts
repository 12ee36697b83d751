import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../config/config';
import { ConfigError } from '../config/load';
import { DomainError } from '../errors/domain-error';
import { UsersService } from '../users/users.service';

/** Creates the first admin at the first start. There is no well-known default password. */
@Injectable()
export class AdminSeeder implements OnApplicationBootstrap {
  constructor(
    private readonly config: Config,
    private readonly users: UsersService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { ADMIN_EMAIL, ADMIN_PASSWORD, NODE_ENV } = this.config;
    if (await this.users.hasAdmin()) return;
    if (!ADMIN_PASSWORD && NODE_ENV === 'production') {
      throw new ConfigError('There is no admin yet: ADMIN_EMAIL and ADMIN_PASSWORD must be set for the first start');
    }
    const email = ADMIN_EMAIL ?? 'admin@example.com';
    // Begins with what a complex policy asks for; the rest is random.
    const password = ADMIN_PASSWORD ?? `Aa1-${randomBytes(12).toString('base64url')}`;
    try {
      await this.users.create({ name: 'Administrator', email, username: 'admin', password, role: 'admin' });
    } catch (error) {
      // Another process that started at the same moment was first, and has told its operator.
      if (error instanceof DomainError && error.status === 409) return;
      if (error instanceof DomainError && error.status === 400) {
        throw new ConfigError(
          'ADMIN_PASSWORD is too easy to guess: not a common one, nor the name or e-mail of the admin',
        );
      }
      throw error;
    }
    if (!ADMIN_PASSWORD) this.tell(email, password);
  }

  /** Prints a made-up password once and keeps it beside the development data, where `npm run demo` finds it. */
  private tell(email: string, password: string): void {
    const path = join(this.config.DATA_DIR, 'admin-password');
    mkdirSync(this.config.DATA_DIR, { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, password, { mode: 0o600 });
    // Not through the logger: a password does not belong into log files.
    process.stdout.write(`\n  First admin: ${email}  password: ${password}  (shown this once; kept in ${path})\n\n`);
  }
}
