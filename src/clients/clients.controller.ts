import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../access/access.decorators';
import { ApiProblem } from '../errors/problem';
import { PageQuery } from '../http/dto/pagination';
import { ApiIfMatch, type ExpectedVersions, IfMatch } from '../http/etag';
import { CreatesIn } from '../http/interceptors/created.interceptor';
import { ConditionalGet, ETAG_HEADER, Etag } from '../http/interceptors/etag.interceptor';
import { ApiId, ParseIdPipe } from '../http/pipes/parse-id.pipe';
import { CreateClientRequest } from './client-request.dto';
import { ClientListResponse, ClientResponse, ClientWithSecretResponse } from './client-response.dto';
import { ClientsService } from './clients.service';

const ApiStale = () => ApiProblem(412, 'The client has changed since you read it.');
const ApiMissing = () => ApiProblem(404, 'There is no such client.');

@ApiTags('API clients')
@Controller('clients')
export class ClientsController {
  constructor(private readonly clients: ClientsService) {}

  @Get()
  @Roles('admin')
  @ApiOperation({ summary: 'List API clients', description: 'By id, without their secrets.' })
  @ApiOkResponse({ type: ClientListResponse })
  @ApiProblem(400, 'A query parameter is unknown or cannot be accepted.')
  list(@Query() query: PageQuery): Promise<ClientListResponse> {
    return this.clients.list(query);
  }

  @Post()
  @Roles('admin')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Create an API client',
    description:
      'For another backend. It sends `client_id` and `client_secret` by HTTP Basic with any request, or trades them at /auth/token (`client_credentials`) for a token. The secret is shown this once.',
  })
  @CreatesIn('clients')
  @Etag()
  @ApiCreatedResponse({ type: ClientWithSecretResponse, headers: ETAG_HEADER })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  create(@Body() request: CreateClientRequest): Promise<ClientWithSecretResponse> {
    return this.clients.create(request);
  }

  @Get(':id')
  @Roles('admin')
  @ConditionalGet()
  @ApiId('The client.')
  @ApiOperation({ summary: 'Get an API client', description: 'Without its secret.' })
  @ApiOkResponse({ type: ClientResponse, headers: ETAG_HEADER })
  @ApiMissing()
  get(@Param('id', ParseIdPipe) id: number): Promise<ClientResponse> {
    return this.clients.get(id);
  }

  @Post(':id/rotate')
  @Etag()
  @ApiIfMatch()
  @ApiStale()
  @Roles('admin')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiId('The client.')
  @ApiOperation({
    summary: 'Rotate the secret',
    description: 'Gives a new secret, shown this once. The old one and its tokens are refused from now on.',
  })
  @ApiOkResponse({ type: ClientWithSecretResponse, headers: ETAG_HEADER })
  @ApiMissing()
  rotate(
    @Param('id', ParseIdPipe) id: number,
    @IfMatch() versions: ExpectedVersions,
  ): Promise<ClientWithSecretResponse> {
    return this.clients.rotate(id, versions);
  }

  @Delete(':id')
  @ApiIfMatch()
  @ApiStale()
  @Roles('admin')
  @HttpCode(204)
  @ApiId('The client.')
  @ApiOperation({ summary: 'Delete an API client', description: 'Its secret and its tokens are refused from now on.' })
  @ApiNoContentResponse()
  @ApiMissing()
  delete(@Param('id', ParseIdPipe) id: number, @IfMatch() versions: ExpectedVersions): Promise<void> {
    return this.clients.delete(id, versions);
  }
}
