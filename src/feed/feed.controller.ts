import type { Readable } from 'node:stream';
import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authenticated, type Credential, CurrentPrincipal } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { DomainError } from '../errors/domain-error';
import { ApiProblem } from '../errors/problem';
import { MAX_ID } from '../http/dto/fields';
import { LongAnswer } from '../http/long-answer';
import { accepts } from './accept';
import { EventListResponse, EventResponse, EventStreamQuery, EventsQuery } from './event.dto';
import { FeedService } from './feed.service';

const EVENT_STREAM = 'text/event-stream';

const STREAM_HEADERS = {
  'content-type': EVENT_STREAM,
  'cache-control': 'no-store',
  // For nginx, which would otherwise collect events until its buffer is full.
  'x-accel-buffering': 'no',
  // The connection ends with the stream, so that a shutdown does not wait for it.
  connection: 'close',
};

const EXAMPLE = `retry: 2000
id: 41

id: 42
event: order.paid
data: {"position":42,"id":"0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11","type":"order.paid","order_id":1}

event: end
data: {"code":"TOKEN_EXPIRED"}

`;

const ApiExpired = () => ApiProblem(410, 'Events after this position have been deleted: read the orders again.');
const ApiBadInput = () =>
  ApiProblem(400, 'A parameter is unknown, cannot be accepted, or is beyond the latest position.');

@ApiTags('Events')
@Controller('events')
export class FeedController {
  constructor(private readonly feed: FeedService) {}

  @Get()
  @Authenticated()
  @ApiOperation({
    summary: 'List events',
    description:
      'What has happened, the oldest first: to your own orders; to all for service and admin. Read on with `next_after` while `has_more`, and later again from there: no event is ever inserted before a position that you have seen.',
  })
  @ApiOkResponse({ type: EventListResponse })
  @ApiBadInput()
  @ApiExpired()
  list(@Query() query: EventsQuery, @CurrentPrincipal() principal: Principal): Promise<EventListResponse> {
    return this.feed.list(query, principal);
  }

  @Get('stream')
  @Authenticated()
  @LongAnswer()
  @ApiOperation({
    summary: 'Follow events',
    description:
      'Server-sent events, as they happen. Connect again with `Last-Event-ID` and nothing is missed. The last event, `end`, says why the stream ends: `TOKEN_EXPIRED`, `ACCESS_REVOKED`, `EVENTS_EXPIRED` or `SHUTTING_DOWN`.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The last `id` that you received: only events after this position.',
    schema: { type: 'integer', minimum: 0, maximum: MAX_ID },
  })
  @ApiOkResponse({
    description: 'Events until the stream ends. A beat comes when there is nothing to tell for 15 seconds.',
    content: { [EVENT_STREAM]: { schema: { type: 'string' }, example: EXAMPLE } },
    headers: { 'Cache-Control': { description: '`no-store`', schema: { type: 'string' } } },
  })
  @ApiBadInput()
  @ApiProblem(406, 'The Accept header excludes text/event-stream.')
  @ApiExpired()
  @ApiProblem(429, 'Too many requests, or too many open streams.', 'RATE_LIMITED', 'TOO_MANY_STREAMS')
  async stream(
    @Query() query: EventStreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Headers('accept') accept: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    if (!accepts(accept, EVENT_STREAM)) {
      throw new DomainError('NOT_ACCEPTABLE', `This address answers with ${EVENT_STREAM} only: accept it.`);
    }
    const credential = request.credential as Credential;
    const { stream, close } = await this.feed.stream(query, { principal, credential, lastEventId });
    reply.raw.once('close', close);
    // The connection may have ended while the stream was opened.
    if (reply.raw.closed) close();
    // Fastify leaves the connection open when a stream is destroyed that its client does not take.
    stream.body.once('close', () => stream.body.readableEnded || reply.raw.destroy());
    reply.headers(STREAM_HEADERS);
    return stream.body;
  }

  @Get(':id')
  @Authenticated()
  @ApiParam({
    name: 'id',
    description: 'The id of the event.',
    schema: { type: 'string', maxLength: 36 },
    example: '0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11',
  })
  @ApiOperation({ summary: 'Get an event', description: 'By its id, while the log keeps it.' })
  @ApiOkResponse({ type: EventResponse })
  @ApiProblem(404, 'There is no such event, it has been deleted, or it is not about an order of yours.')
  get(@Param('id') id: string, @CurrentPrincipal() principal: Principal): Promise<EventResponse> {
    return this.feed.get(id, principal);
  }
}
