import { Body, Controller, Get, Header, HttpCode, Post, UseFilters } from '@nestjs/common';
import { ApiBasicAuth, ApiConsumes, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Public, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { CreatesIn } from '../http/interceptors/created.interceptor';
import { LimitGuesses, LimitTokens } from '../rate-limit/rate-limit.decorators';
import { RegisterRequest } from '../users/user-request.dto';
import { UserResponse } from '../users/user-response.dto';
import { AuthService } from './auth.service';
import { LoginRequest, TokenRequest } from './auth-request.dto';
import { LoginResponse, TokenResponse } from './auth-response.dto';
import { ApiOAuthProblem, OAuthProblemFilter } from './oauth-problem';
import { RequestHeader } from './request-header';

/** The grants that no password is given for: nothing can be guessed by them. */
const TRADES = new Set<unknown>(['refresh_token', 'client_credentials']);

@ApiTags('Authentication')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('register')
  @Public()
  @LimitGuesses()
  @ApiOperation({ summary: 'Register', description: 'Opens an account with the role `user`.' })
  @CreatesIn('users')
  @ApiCreatedResponse({ type: UserResponse })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(409, 'The e-mail or the username is taken.', 'EMAIL_TAKEN', 'USERNAME_TAKEN')
  register(@Body() request: RegisterRequest): Promise<UserResponse> {
    return this.auth.register(request);
  }

  @Post('login')
  @Public()
  @LimitGuesses()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Log in', description: 'By e-mail or username. `expires_in` is in seconds.' })
  @ApiOkResponse({ type: LoginResponse })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(401, 'Unknown user or wrong password; the two cannot be told apart.', 'INVALID_CREDENTIALS')
  login(@Body() request: LoginRequest, @RequestHeader('user-agent') userAgent?: string): Promise<LoginResponse> {
    return this.auth.login(request, userAgent);
  }

  @Post('token')
  @Public()
  @LimitGuesses(({ grant_type }) => !TRADES.has(grant_type))
  @LimitTokens(({ grant_type }) => TRADES.has(grant_type))
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @UseFilters(OAuthProblemFilter)
  @ApiBasicAuth()
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({
    summary: 'Get a token (OAuth 2.0)',
    description:
      'RFC 6749, form-encoded: by `password`, which is what the Authorize button sends, by `refresh_token`, or by `client_credentials` for API clients (HTTP Basic or in the body). A refresh token is good for one use; one that is used again ends its session, unless within 10 seconds, which gives the same answer.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiOAuthProblem(
    400,
    'A field is missing or cannot be accepted; `error` is invalid_request or unsupported_grant_type.',
    'invalid_request',
  )
  @ApiOAuthProblem(
    401,
    'The password, refresh token or client is not valid; `error` is invalid_grant or invalid_client.',
    'invalid_grant',
    'INVALID_CREDENTIALS',
    'INVALID_REFRESH_TOKEN',
    'INVALID_CLIENT',
  )
  token(
    @Body() request: TokenRequest,
    @RequestHeader('authorization') authorization?: string,
    @RequestHeader('user-agent') userAgent?: string,
  ): Promise<TokenResponse> {
    return this.auth.token(request, authorization, userAgent);
  }

  @Get('me')
  @Roles('user', 'admin')
  @ApiOperation({ summary: 'Who am I', description: 'The account of the caller.' })
  @ApiOkResponse({ type: UserResponse })
  me(@CurrentPrincipal() principal: Principal): Promise<UserResponse> {
    return this.auth.me(principal);
  }
}
