import { Injectable } from '@nestjs/common';
import { validationFailed } from '../common/domain-error';
import { Operation } from '../common/operation';
import type { Principal } from '../common/principal';
import { Credentials } from '../users/credentials';
import { type RegisterRequest, toUserResponse, type UserResponse } from '../users/user.dto';
import type { UserState } from '../users/user-states';
import { UsersService } from '../users/users.service';
import type { LoginRequest, LoginResponse, TokenRequest, TokenResponse } from './auth.dto';
import { SessionsService } from './sessions.service';
import { Tokens } from './tokens';

/** Registration and login of people. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly credentials: Credentials,
    private readonly tokens: Tokens,
    private readonly sessions: SessionsService,
  ) {}

  /** Opens an account with the role `user`. Errors: VALIDATION_FAILED, EMAIL_TAKEN, USERNAME_TAKEN. */
  register(request: RegisterRequest): Promise<UserResponse> {
    return this.users.create({ ...request, role: 'user' });
  }

  /** Begins a session for the owner of this e-mail or username. Errors: VALIDATION_FAILED, INVALID_CREDENTIALS. */
  @Operation('auth.login')
  async login({ email, username, password }: LoginRequest, userAgent?: string): Promise<LoginResponse> {
    if ((email === undefined) === (username === undefined)) {
      throw validationFailed([{ field: 'email', message: 'give either email or username' }]);
    }
    const user = await this.credentials.authenticate((email ?? username) as string, password);
    return { ...(await this.startSession(user, userAgent)), user_info: toUserResponse(user) };
  }

  /**
   * The grants of RFC 6749: by password, the same as {@link login}; by refresh token, the next pair of tokens.
   * Errors: VALIDATION_FAILED, INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN.
   */
  @Operation('auth.token')
  async token(request: TokenRequest, userAgent?: string): Promise<TokenResponse> {
    if (request.grant_type === 'refresh_token') {
      const { user, refresh_token } = await this.sessions.refresh(needed(request, 'refresh_token'));
      return this.bearer(user, refresh_token);
    }
    const [username, password] = [needed(request, 'username'), needed(request, 'password')];
    return this.startSession(await this.credentials.authenticate(username, password), userAgent);
  }

  /** The caller's own account. Users and admins only: API clients have none. */
  me(principal: Principal): Promise<UserResponse> {
    return this.users.get(principal.id as number, principal);
  }

  private async startSession(user: UserState, userAgent: string | undefined): Promise<TokenResponse> {
    return this.bearer(user, await this.sessions.start(user, userAgent));
  }

  private bearer(user: UserState, refresh_token: string): TokenResponse {
    return {
      access_token: this.tokens.issue(user),
      token_type: 'bearer',
      expires_in: this.tokens.lifetime,
      refresh_token,
    };
  }
}

/** A field that the grant asks for. */
function needed(request: TokenRequest, field: 'username' | 'password' | 'refresh_token'): string {
  const value = request[field];
  if (value === undefined)
    throw validationFailed([{ field, message: `is needed for grant_type ${request.grant_type}` }]);
  return value;
}
