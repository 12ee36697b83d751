import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Config } from '../config/config';

export type CheckResult = 'ok' | 'failed';

export interface Health {
  status: 'healthy' | 'unhealthy';
  timestamp: string;
  version: string;
  environment: string;
  checks: Record<'database' | 'migrations' | 'queue' | 'accepting', CheckResult>;
}

const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
  version: string;
};

/** Milliseconds after which a check has failed: below the deadlines of load balancers. */
const CHECK_TIMEOUT_MS = 3_000;

/** Whether this process can do its work. */
@Injectable()
export class HealthService implements OnModuleDestroy {
  private draining = false;

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {}

  /** First step of a shutdown: from now on the process is not ready, so that load balancers send nothing new. */
  startDraining(): void {
    this.draining = true;
  }

  onModuleDestroy(): void {
    this.startDraining();
  }

  /** Checks the database, the migrations, the tables of the queue, and whether a shutdown is under way. */
  async check(): Promise<Health> {
    const [database, migrations, queue] = await Promise.all([
      this.passes(() => this.dataSource.query('SELECT 1')),
      this.passes(async () => {
        if (await this.dataSource.showMigrations()) throw new Error('migrations are pending');
      }),
      this.passes(() => this.dataSource.query('SELECT FROM pgboss.version')),
    ]);
    const checks = { database, migrations, queue, accepting: this.draining ? 'failed' : 'ok' } as const;
    return {
      status: Object.values(checks).every((result) => result === 'ok') ? 'healthy' : 'unhealthy',
      timestamp: new Date().toISOString(),
      version,
      environment: this.config.NODE_ENV,
      checks,
    };
  }

  private async passes(check: () => Promise<unknown>): Promise<CheckResult> {
    const result = check().then(
      () => 'ok' as const,
      () => 'failed' as const,
    );
    return Promise.race([result, setTimeout(CHECK_TIMEOUT_MS, 'failed' as const, { ref: false })]);
  }
}
