import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Authenticated, CurrentPrincipal } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { ApiIfMatch, etag, IfMatch } from '../http/etag';
import {
  CancelOrderRequest,
  ChangeStatusRequest,
  EditOrderRequest,
  OrdersQuery,
  PlaceOrderRequest,
} from './order-request.dto';
import { HistoryResponse, OrderListResponse, OrderResponse } from './order-response.dto';
import { OrdersService } from './orders.service';

const ETAG = {
  ETag: { description: 'The version, for If-Match.', required: true, schema: { type: 'string', example: '"1"' } },
} as const;
const ApiReference = () =>
  ApiParam({
    name: 'id',
    description: 'The id, or the number such as ORD-7K3M9Q2X.',
    schema: { type: 'string', maxLength: 12 },
    example: '1',
  });
const ApiMissing = () => ApiProblem(404, 'There is no such order, or it is not yours.');
const ApiChanges = () =>
  ApiProblem(
    409,
    'The present status does not allow it, or the stock is gone.',
    'INVALID_TRANSITION',
    'ORDER_NOT_EDITABLE',
    'INSUFFICIENT_STOCK',
  );
const ApiStale = () => ApiProblem(412, 'The order has changed since you read it.');
const ApiBadInput = () => ApiProblem(400, 'A field or parameter is missing, unknown or cannot be accepted.');

@ApiTags('Orders')
@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  @Authenticated()
  @ApiOperation({
    summary: 'Place an order',
    description: 'Reserves the stock of every line or of none. Safe to repeat with an Idempotency-Key.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: '1 to 255 printable characters; kept 24 hours.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]*$' },
  })
  @ApiCreatedResponse({
    type: OrderResponse,
    headers: {
      ...ETAG,
      'Idempotent-Replayed': { description: '`true` when this is the first answer again.', schema: { type: 'string' } },
    },
  })
  @ApiProblem(
    400,
    'A field is missing, unknown or cannot be accepted.',
    'VALIDATION_FAILED',
    'MALFORMED_REQUEST',
    'IDEMPOTENCY_KEY_INVALID',
  )
  @ApiProblem(
    403,
    'Placing for others and custom-priced items are for service and admin; or your e-mail must be confirmed first.',
    'FORBIDDEN',
    'EMAIL_NOT_CONFIRMED',
  )
  @ApiProblem(404, 'A product or the user does not exist.', 'PRODUCT_NOT_FOUND', 'USER_NOT_FOUND')
  @ApiProblem(
    409,
    'Not enough stock, a changed price, an inactive product, or the first request with this key still runs.',
    'INSUFFICIENT_STOCK',
    'PRICE_CHANGED',
    'PRODUCT_INACTIVE',
    'IDEMPOTENCY_KEY_IN_USE',
  )
  @ApiProblem(422, 'The Idempotency-Key came with another body before.')
  async place(
    @Body() request: PlaceOrderRequest,
    @CurrentPrincipal() principal: Principal,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderResponse> {
    const { order, replayed } = await this.orders.place(request, principal, idempotencyKey);
    reply.headers({ location: `/api/v1/orders/${order.id}`, etag: etag(order.version) });
    if (replayed) reply.header('idempotent-replayed', 'true');
    return order;
  }

  @Get()
  @Authenticated()
  @ApiOperation({ summary: 'List orders', description: 'Your own; all of them for service and admin.' })
  @ApiOkResponse({ type: OrderListResponse })
  @ApiBadInput()
  list(@Query() query: OrdersQuery, @CurrentPrincipal() principal: Principal): Promise<OrderListResponse> {
    return this.orders.list(query, principal);
  }

  @Get(':id')
  @Authenticated()
  @ApiReference()
  @ApiOperation({ summary: 'Get an order', description: 'By id or number; its `ETag` is for If-Match.' })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG })
  @ApiMissing()
  async get(
    @Param('id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderResponse> {
    return tagged(reply, await this.orders.get(id, principal));
  }

  @Get(':id/history')
  @Authenticated()
  @ApiReference()
  @ApiOperation({ summary: 'History of an order', description: 'Every change of status with its actor, oldest first.' })
  @ApiOkResponse({ type: HistoryResponse })
  @ApiMissing()
  history(@Param('id') id: string, @CurrentPrincipal() principal: Principal): Promise<HistoryResponse> {
    return this.orders.history(id, principal);
  }

  @Patch(':id')
  @Authenticated()
  @ApiReference()
  @ApiIfMatch()
  @ApiOperation({
    summary: 'Edit an order',
    description: 'Address, note and metadata while it is pending; the status as the table of transitions allows.',
  })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG })
  @ApiBadInput()
  @ApiProblem(403, 'Your role may not make this change.')
  @ApiMissing()
  @ApiChanges()
  @ApiStale()
  async edit(
    @Param('id') id: string,
    @Body() request: EditOrderRequest,
    @IfMatch() version: number | undefined,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderResponse> {
    return tagged(reply, await this.orders.edit(id, request, version, principal));
  }

  @Patch(':id/status')
  @Authenticated()
  @ApiReference()
  @ApiIfMatch()
  @ApiOperation({ summary: 'Change the status', description: 'As the table of transitions allows.' })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG })
  @ApiBadInput()
  @ApiProblem(403, 'Your role may not make this change.')
  @ApiMissing()
  @ApiChanges()
  @ApiStale()
  async changeStatus(
    @Param('id') id: string,
    @Body() request: ChangeStatusRequest,
    @IfMatch() version: number | undefined,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderResponse> {
    return tagged(reply, await this.orders.changeStatus(id, { ...request, version }, principal));
  }

  @Patch(':id/cancel')
  @Authenticated()
  @ApiReference()
  @ApiIfMatch()
  @ApiOperation({
    summary: 'Cancel an order',
    description: 'While it is pending or paid. Its stock becomes available again.',
  })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG })
  @ApiBadInput()
  @ApiMissing()
  @ApiChanges()
  @ApiStale()
  async cancel(
    @Param('id') id: string,
    @Body() { reason }: CancelOrderRequest,
    @IfMatch() version: number | undefined,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderResponse> {
    return tagged(reply, await this.orders.changeStatus(id, { status: 'cancelled', reason, version }, principal));
  }
}

function tagged(reply: FastifyReply, order: OrderResponse): OrderResponse {
  reply.header('etag', etag(order.version));
  return order;
}
