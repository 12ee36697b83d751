import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Public, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { PageQuery } from '../http/dto/pagination';
import { ApiId, ParseIdPipe } from '../http/pipes/parse-id.pipe';
import { Credentials } from '../users/credentials';
import { LogoutRequest } from './session-request.dto';
import { SessionListResponse } from './session-response.dto';
import { SessionsService } from './sessions.service';

@ApiTags('Authentication')
@Controller('auth')
export class SessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly credentials: Credentials,
  ) {}

  @Post('logout')
  @Public()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Log out',
    description:
      'Ends the session of this refresh token. Whether there was one is not told. Its access token runs out by itself; `/auth/logout-all` ends those too.',
  })
  @ApiNoContentResponse()
  @ApiProblem(400, 'The refresh token is missing.')
  logout(@Body() { refresh_token }: LogoutRequest): Promise<void> {
    return this.sessions.end(refresh_token);
  }

  @Post('logout-all')
  @Roles('user', 'admin')
  @HttpCode(204)
  @ApiOperation({ summary: 'Log out everywhere', description: 'Ends every session and every token of the caller.' })
  @ApiNoContentResponse()
  logoutAll(@CurrentPrincipal() principal: Principal): Promise<void> {
    return this.credentials.endAll(principal);
  }

  @Get('sessions')
  @Roles('user', 'admin')
  @ApiOperation({ summary: 'List sessions', description: 'Where the caller is logged in, by id.' })
  @ApiOkResponse({ type: SessionListResponse })
  @ApiProblem(400, 'A query parameter is unknown or cannot be accepted.')
  list(@Query() query: PageQuery, @CurrentPrincipal() principal: Principal): Promise<SessionListResponse> {
    return this.sessions.list(query, principal);
  }

  @Delete('sessions/:id')
  @Roles('user', 'admin')
  @HttpCode(204)
  @ApiId('The session.')
  @ApiOperation({ summary: 'End a session', description: 'One of your own: its refresh token is refused from now on.' })
  @ApiNoContentResponse()
  @ApiProblem(404, 'There is no such session, or it is not yours.')
  end(@Param('id', ParseIdPipe) id: number, @CurrentPrincipal() principal: Principal): Promise<void> {
    return this.sessions.endOne(id, principal);
  }
}
