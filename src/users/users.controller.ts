import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { ApiIfMatch, type ExpectedVersions, IfMatch } from '../http/etag';
import { CreatesIn } from '../http/interceptors/created.interceptor';
import { ConditionalGet, ETAG_HEADER, Etag } from '../http/interceptors/etag.interceptor';
import { ApiId, ParseIdPipe } from '../http/pipes/parse-id.pipe';
import { LimitGuesses } from '../rate-limit/rate-limit.decorators';
import { CreateUserRequest, UpdateUserRequest, UsersQuery } from './user-request.dto';
import { UserListResponse, UserResponse } from './user-response.dto';
import { UsersService } from './users.service';

@ApiTags('Users')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @Roles('admin')
  @ApiOperation({ summary: 'List users', description: 'By id, with filters.' })
  @ApiOkResponse({ type: UserListResponse })
  @ApiProblem(400, 'A query parameter is unknown or cannot be accepted.')
  list(@Query() query: UsersQuery): Promise<UserListResponse> {
    return this.users.list(query);
  }

  @Post()
  @Roles('admin')
  @ApiOperation({ summary: 'Create a user', description: 'With any role; people open their own at /auth/register.' })
  @CreatesIn('users')
  @Etag()
  @ApiCreatedResponse({ type: UserResponse, headers: ETAG_HEADER })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(409, 'The e-mail or the username is taken.', 'EMAIL_TAKEN', 'USERNAME_TAKEN')
  create(@Body() request: CreateUserRequest): Promise<UserResponse> {
    return this.users.create(request);
  }

  @Get(':id')
  @Roles('user', 'admin')
  @ConditionalGet()
  @ApiId('The user.')
  @ApiOperation({ summary: 'Get a user', description: 'Your own account; any for admins.' })
  @ApiOkResponse({ type: UserResponse, headers: ETAG_HEADER })
  @ApiProblem(404, 'There is no such user, or it is not you.')
  get(@Param('id', ParseIdPipe) id: number, @CurrentPrincipal() principal: Principal): Promise<UserResponse> {
    return this.users.get(id, principal);
  }

  @Patch(':id')
  @Etag()
  @ApiIfMatch()
  @ApiProblem(412, 'The user has changed since you read it.')
  @LimitGuesses(({ current_password }) => current_password !== undefined)
  @Roles('user', 'admin')
  @ApiId('The user.')
  @ApiOperation({
    summary: 'Edit a user',
    description:
      'Your own name, e-mail and username; admins also change others, and `role` and `active`, which ends every token and session of that user. Your own e-mail and username, and any role, take your `current_password`. Your own new e-mail counts once it is confirmed; the old one is told at once, and your other sessions end.',
  })
  @ApiOkResponse({ type: UserResponse, headers: ETAG_HEADER })
  @ApiProblem(400, 'A field cannot be accepted, or `current_password` is missing or wrong.')
  @ApiProblem(404, 'There is no such user, or it is not you.')
  @ApiProblem(
    409,
    'The e-mail or the username is taken, or this is the last active admin.',
    'EMAIL_TAKEN',
    'USERNAME_TAKEN',
    'LAST_ADMIN',
  )
  update(
    @Param('id', ParseIdPipe) id: number,
    @Body() request: UpdateUserRequest,
    @CurrentPrincipal() principal: Principal,
    @IfMatch() versions: ExpectedVersions,
  ): Promise<UserResponse> {
    return this.users.update(id, request, principal, versions);
  }
}
