import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { Authenticated, CurrentPrincipal } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { ApiIfMatch, type ExpectedVersions, IfMatch } from '../http/etag';
import { ApiIdempotencyKey, IdempotencyKey } from '../http/idempotency-key';
import { CreatesIn } from '../http/interceptors/created.interceptor';
import { ConditionalGet, ETAG_HEADER, Etag } from '../http/interceptors/etag.interceptor';
import { MayReplay, type Replayable } from '../http/interceptors/replay.interceptor';
import {
  CancelOrderRequest,
  ChangeStatusRequest,
  EditOrderRequest,
  OrdersQuery,
  PlaceOrderRequest,
} from './order-request.dto';
import { HistoryResponse, OrderListResponse, OrderResponse } from './order-response.dto';
import { OrdersService } from './orders.service';

const ApiReference = () =>
  ApiParam({
    name: 'id',
    description: 'The id, or the number such as ORD-7K3M9Q2X.',
    schema: { type: 'string', maxLength: 19 },
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
  @MayReplay()
  @CreatesIn('orders')
  @Etag()
  @ApiOperation({
    summary: 'Place an order',
    description: 'Reserves the stock of every line or of none. Safe to repeat with an Idempotency-Key.',
  })
  @ApiIdempotencyKey()
  @ApiCreatedResponse({
    type: OrderResponse,
    headers: {
      ...ETAG_HEADER,
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
  place(
    @Body() request: PlaceOrderRequest,
    @CurrentPrincipal() principal: Principal,
    @IdempotencyKey() key: string | undefined,
  ): Promise<Replayable<OrderResponse>> {
    return this.orders.place(request, principal, key);
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
  @ConditionalGet()
  @ApiReference()
  @ApiOperation({ summary: 'Get an order', description: 'By id or number; its `ETag` is for If-Match.' })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG_HEADER })
  @ApiMissing()
  get(@Param('id') id: string, @CurrentPrincipal() principal: Principal): Promise<OrderResponse> {
    return this.orders.get(id, principal);
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
  @Etag()
  @ApiReference()
  @ApiIfMatch()
  @ApiOperation({
    summary: 'Edit an order',
    description: 'Address, note and metadata while it is pending; the status as the table of transitions allows.',
  })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG_HEADER })
  @ApiBadInput()
  @ApiProblem(403, 'Your role may not make this change.')
  @ApiMissing()
  @ApiChanges()
  @ApiStale()
  edit(
    @Param('id') id: string,
    @Body() request: EditOrderRequest,
    @IfMatch() versions: ExpectedVersions,
    @CurrentPrincipal() principal: Principal,
  ): Promise<OrderResponse> {
    return this.orders.edit(id, request, versions, principal);
  }

  @Patch(':id/status')
  @Authenticated()
  @Etag()
  @ApiReference()
  @ApiIfMatch()
  @ApiOperation({ summary: 'Change the status', description: 'As the table of transitions allows.' })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG_HEADER })
  @ApiBadInput()
  @ApiProblem(403, 'Your role may not make this change.')
  @ApiMissing()
  @ApiChanges()
  @ApiStale()
  changeStatus(
    @Param('id') id: string,
    @Body() request: ChangeStatusRequest,
    @IfMatch() versions: ExpectedVersions,
    @CurrentPrincipal() principal: Principal,
  ): Promise<OrderResponse> {
    return this.orders.changeStatus(id, { ...request, versions }, principal);
  }

  @Patch(':id/cancel')
  @Authenticated()
  @Etag()
  @ApiReference()
  @ApiIfMatch()
  @ApiOperation({
    summary: 'Cancel an order',
    description: 'While it is pending or paid. Its stock becomes available again.',
  })
  @ApiOkResponse({ type: OrderResponse, headers: ETAG_HEADER })
  @ApiBadInput()
  @ApiMissing()
  @ApiChanges()
  @ApiStale()
  cancel(
    @Param('id') id: string,
    @Body() { reason }: CancelOrderRequest,
    @IfMatch() versions: ExpectedVersions,
    @CurrentPrincipal() principal: Principal,
  ): Promise<OrderResponse> {
    return this.orders.changeStatus(id, { status: 'cancelled', reason, versions }, principal);
  }
}
