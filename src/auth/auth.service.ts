import { Injectable } from '@nestjs/common';
import { DomainError, notFound, validationFailed } from '../common/domain-error';
import { Operation } from '../common/operation';
import type { Principal } from '../common/principal';
import { toUserResponse, type UserResponse } from '../users/user.dto';
import { UsersService } from '../users/users.service';
import type { LoginRequest, LoginResponse, RegisterRequest, TokenRequest, TokenResponse } from './auth.dto';
import { Tokens } from './tokens';

/** Registration and login of people. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: Tokens,
  ) {}

  /** Opens an account with the role `user`. Errors: VALIDATION_FAILED, EMAIL_TAKEN, USERNAME_TAKEN. */
  @Operation('auth.register')
  async register(request: RegisterRequest): Promise<UserResponse> {
    return toUserResponse(await this.users.create(request));
  }

  /** A token for the owner of this e-mail or username. Errors: VALIDATION_FAILED, INVALID_CREDENTIALS. */
  @Operation('auth.login')
  async login({ email, username, password }: LoginRequest): Promise<LoginResponse> {
    if ((email === undefined) === (username === undefined)) {
      throw validationFailed([{ field: 'email', message: 'give either email or username' }]);
    }
    const user = await this.users.authenticate((email ?? username) as string, password);
    return { ...this.bearer(this.tokens.issue(user)), user_info: toUserResponse(user) };
  }

  /** The same as {@link login} in the form of RFC 6749. Errors: INVALID_CREDENTIALS. */
  @Operation('auth.token')
  async token({ username, password }: TokenRequest): Promise<TokenResponse> {
    return this.bearer(this.tokens.issue(await this.users.authenticate(username, password)));
  }

  /** The caller's own account. Errors: FORBIDDEN for API clients, which have none. */
  async me(principal: Principal): Promise<UserResponse> {
    if (principal.type !== 'user' || principal.id === null)
      throw new DomainError('FORBIDDEN', 'API clients have no account.');
    const user = await this.users.findById(principal.id);
    if (!user) throw notFound('User');
    return toUserResponse(user);
  }

  private bearer(access_token: string): TokenResponse {
    return { access_token, token_type: 'bearer', expires_in: this.tokens.lifetime };
  }
}
