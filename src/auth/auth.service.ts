import { Injectable } from '@nestjs/common';
import { validationFailed } from '../common/domain-error';
import { Operation } from '../common/operation';
import type { Principal } from '../common/principal';
import { Credentials } from '../users/credentials';
import { type RegisterRequest, toUserResponse, type UserResponse } from '../users/user.dto';
import { UsersService } from '../users/users.service';
import type { LoginRequest, LoginResponse, TokenRequest, TokenResponse } from './auth.dto';
import { Tokens } from './tokens';

/** Registration and login of people. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly credentials: Credentials,
    private readonly tokens: Tokens,
  ) {}

  /** Opens an account with the role `user`. Errors: VALIDATION_FAILED, EMAIL_TAKEN, USERNAME_TAKEN. */
  register(request: RegisterRequest): Promise<UserResponse> {
    return this.users.create({ ...request, role: 'user' });
  }

  /** A token for the owner of this e-mail or username. Errors: VALIDATION_FAILED, INVALID_CREDENTIALS. */
  @Operation('auth.login')
  async login({ email, username, password }: LoginRequest): Promise<LoginResponse> {
    if ((email === undefined) === (username === undefined)) {
      throw validationFailed([{ field: 'email', message: 'give either email or username' }]);
    }
    const user = await this.credentials.authenticate((email ?? username) as string, password);
    return { ...this.bearer(this.tokens.issue(user)), user_info: toUserResponse(user) };
  }

  /** The same as {@link login} in the form of RFC 6749. Errors: INVALID_CREDENTIALS. */
  @Operation('auth.token')
  async token({ username, password }: TokenRequest): Promise<TokenResponse> {
    return this.bearer(this.tokens.issue(await this.credentials.authenticate(username, password)));
  }

  /** The caller's own account. Users and admins only: API clients have none. */
  me(principal: Principal): Promise<UserResponse> {
    return this.users.get(principal.id as number, principal);
  }

  private bearer(access_token: string): TokenResponse {
    return { access_token, token_type: 'bearer', expires_in: this.tokens.lifetime };
  }
}
