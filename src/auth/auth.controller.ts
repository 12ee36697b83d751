import { Body, Controller, Get, Header, HttpCode, Post, Res } from '@nestjs/common';
import { ApiConsumes, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentPrincipal, Public, Roles } from '../common/access';
import type { Principal } from '../common/principal';
import { ApiProblem } from '../common/problem';
import { RegisterRequest, UserResponse } from '../users/user.dto';
import { LoginRequest, LoginResponse, TokenRequest, TokenResponse } from './auth.dto';
import { AuthService } from './auth.service';

@ApiTags('Authentication')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('register')
  @Public()
  @ApiOperation({ summary: 'Register', description: 'Opens an account with the role `user`.' })
  @ApiCreatedResponse({ type: UserResponse, headers: { Location: { schema: { type: 'string' } } } })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(409, 'The e-mail or the username is taken.')
  async register(
    @Body() request: RegisterRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserResponse> {
    const user = await this.auth.register(request);
    reply.header('location', `/api/v1/users/${user.id}`);
    return user;
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Log in', description: 'By e-mail or username. `expires_in` is in seconds.' })
  @ApiOkResponse({ type: LoginResponse })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(401, 'Unknown user or wrong password; the two cannot be told apart.')
  login(@Body() request: LoginRequest): Promise<LoginResponse> {
    return this.auth.login(request);
  }

  @Post('token')
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({
    summary: 'Get a token (OAuth 2.0)',
    description: 'RFC 6749, form-encoded. The Authorize button uses it.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(401, 'Unknown user or wrong password; the two cannot be told apart.')
  token(@Body() request: TokenRequest): Promise<TokenResponse> {
    return this.auth.token(request);
  }

  @Get('me')
  @Roles('user', 'admin')
  @ApiOperation({ summary: 'Who am I', description: 'The account of the caller.' })
  @ApiOkResponse({ type: UserResponse })
  me(@CurrentPrincipal() principal: Principal): Promise<UserResponse> {
    return this.auth.me(principal);
  }
}
