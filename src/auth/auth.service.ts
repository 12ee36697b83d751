import { Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal';
import type { ApiClient } from '../clients/api-client.entity';
import { ClientCache } from '../clients/client-cache';
import { validationFailed } from '../errors/domain-error';
import { Operation } from '../observability/operation';
import { Credentials } from '../users/credentials';
import type { User } from '../users/user.entity';
import { type RegisterRequest } from '../users/user-request.dto';
import { toUserResponse, type UserResponse } from '../users/user-response.dto';
import { UsersService } from '../users/users.service';
import { AccessTokens } from './access-tokens';
import type { LoginRequest, TokenRequest } from './auth-request.dto';
import type { LoginResponse, TokenResponse } from './auth-response.dto';
import { readBasic } from './basic';
import { SessionsService } from './sessions.service';

/** Registration, login and the grants of OAuth 2.0. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly credentials: Credentials,
    private readonly tokens: AccessTokens,
    private readonly sessions: SessionsService,
    private readonly clients: ClientCache,
  ) {}

  /** Opens an account with the role `user`. Errors: VALIDATION_FAILED, EMAIL_TAKEN, USERNAME_TAKEN. */
  register(request: RegisterRequest): Promise<UserResponse> {
    return this.users.register(request);
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
   * The grants of RFC 6749: by password, the same as {@link login}; by refresh token, the next pair of tokens; by an API
   * client's own credentials, in the body or by HTTP Basic, a token with the role `service`.
   * Errors: VALIDATION_FAILED, INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN, INVALID_CLIENT.
   */
  @Operation('auth.token')
  async token(request: TokenRequest, authorization?: string, userAgent?: string): Promise<TokenResponse> {
    assertOwnParameters(request);
    switch (request.grant_type) {
      case 'password': {
        const [username, password] = [needed(request, 'username'), needed(request, 'password')];
        return this.startSession(await this.credentials.authenticate(username, password), userAgent);
      }
      case 'refresh_token': {
        const { user, refresh_token } = await this.sessions.refresh(needed(request, 'refresh_token'));
        return { ...this.bearer(this.tokens.issue(user, user.session_id)), refresh_token };
      }
      case 'client_credentials':
        return this.bearer(this.tokens.issueToClient(await this.client(request, authorization)));
    }
  }

  /** The caller's own account. Users and admins only: API clients have none. */
  me(principal: Principal): Promise<UserResponse> {
    return this.users.get(principal.id as number, principal);
  }

  private async startSession(user: User, userAgent: string | undefined): Promise<TokenResponse> {
    const { id, refresh_token } = await this.sessions.start(user, userAgent);
    return { ...this.bearer(this.tokens.issue(user, id)), refresh_token };
  }

  private client({ client_id, client_secret }: TokenRequest, authorization?: string): Promise<ApiClient> {
    const { clientId, secret } = readBasic(authorization) ?? { clientId: client_id ?? '', secret: client_secret ?? '' };
    return this.clients.authenticate(clientId, secret);
  }

  private bearer(access_token: string): TokenResponse {
    return { access_token, token_type: 'bearer', expires_in: this.tokens.lifetime };
  }
}

/** What each grant takes, besides `scope` and the client's own credentials, which OAuth clients send with any. */
const PARAMETERS: Record<TokenRequest['grant_type'], readonly (keyof TokenRequest)[]> = {
  password: ['username', 'password'],
  refresh_token: ['refresh_token'],
  client_credentials: [],
};

/** Refuses the parameters of other grants: whoever sends a refresh token names no user. Errors: VALIDATION_FAILED. */
function assertOwnParameters(request: TokenRequest): void {
  const foreign = Object.values(PARAMETERS)
    .flat()
    .filter((field) => request[field] !== undefined && !PARAMETERS[request.grant_type].includes(field));
  if (foreign.length > 0) {
    const message = `does not belong to grant_type ${request.grant_type}`;
    throw validationFailed(foreign.map((field) => ({ field, message })));
  }
}

/** A field that the grant asks for. */
function needed(request: TokenRequest, field: 'username' | 'password' | 'refresh_token'): string {
  const value = request[field];
  if (value === undefined)
    throw validationFailed([{ field, message: `is needed for grant_type ${request.grant_type}` }]);
  return value;
}
