import { Injectable } from '@nestjs/common';
import type { IAuthModuleOptions } from '@nestjs/passport';
import type { Strategy } from 'passport';
import { BasicStrategy } from './basic.strategy';
import { JwtStrategy } from './jwt.strategy';

/** How requests are authenticated: what `AuthGuard` reads its strategies from. */
@Injectable()
export class Strategies implements IAuthModuleOptions {
  /** The property of the request that holds the principal. */
  readonly property = 'principal';

  constructor(
    private readonly jwt: JwtStrategy,
    private readonly basic: BasicStrategy,
  ) {}

  /**
   * Instances, not names: passport keeps names in one registry for the whole Node process, where the strategies of a second
   * application replace those of the first. New ones for each request: passport stores the callbacks of a request on them,
   * so concurrent requests would receive each other's principal.
   */
  get defaultStrategy(): string[] {
    const strategies: Strategy[] = [Object.create(this.jwt), Object.create(this.basic)];
    // The type of the option knows names only; passport takes both.
    return strategies as unknown as string[];
  }
}
