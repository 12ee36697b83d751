import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { ConnectionShares } from '../database/connection-shares';
import { DomainError, type FieldError, notFound, validationFailed } from '../errors/domain-error';
import type { NewOrderEvent } from '../events/event-types';
import { publish } from '../events/outbox';
import { assertOnePagingMode } from '../http/dto/pagination';
import { assertVersion, type ExpectedVersions } from '../http/etag';
import type { Replayable } from '../http/interceptors/replay.interceptor';
import { parseId } from '../http/pipes/parse-id.pipe';
import { bindIdempotency } from '../idempotency/idempotency';
import { Operation } from '../observability/operation';
import { Order } from './order.entity';
import type { OrderRow } from './order-columns';
import { OrderHistory } from './order-history.entity';
import { invalidTransition, OrderLifecycle } from './order-lifecycle';
import { parseOrderNumber } from './order-number';
import { type EditOrderRequest, type OrdersQuery, type PlaceOrderRequest } from './order-request.dto';
import {
  type HistoryResponse,
  type OrderListResponse,
  type OrderResponse,
  toOrderResponse,
} from './order-response.dto';
import { type OrderStatus, transition } from './order-status';
import { PlacementService } from './placement/placement.service';
import { endOf, findCustomers, findOrder, listOrders, totalsOf } from './reading/order-queries';

/** Changes of status that one answer shows. */
const MAX_HISTORY = 1_000;

/** A change that a client asks for; `versions` comes from `If-Match`. */
export interface Change {
  status: OrderStatus;
  reason?: string | undefined;
  versions?: ExpectedVersions;
}

/** Orders. A `user` reaches their own only; those of others are NOT_FOUND, as if they did not exist. */
@Injectable()
export class OrdersService {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly placing: PlacementService,
    private readonly transitions: OrderLifecycle,
    private readonly shares: ConnectionShares,
  ) {}

  /** Places an order, or replays the first answer to the same key. Errors: those of {@link PlacementService.run}. */
  @Operation('orders.place')
  async place(
    request: PlaceOrderRequest,
    principal: Principal,
    idempotencyKey?: string,
  ): Promise<Replayable<OrderResponse>> {
    const idempotency = bindIdempotency(idempotencyKey, request, principal);
    const { order, replayed } = await this.placing.run(request, principal, idempotency);
    return { response: toOrderResponse(order, principal), replayed };
  }

  /** One page of the caller's orders, or of all; totals are over all that match. Errors: VALIDATION_FAILED. */
  async list(query: OrdersQuery, principal: Principal): Promise<OrderListResponse> {
    assertOnePagingMode(query);
    assertRanges(query);
    return this.shares.lists.run(() => this.readList(query, principal));
  }

  private async readList(query: OrdersQuery, principal: Principal): Promise<OrderListResponse> {
    const customers = await findCustomers(this.manager, query, principal);
    const { rows, page } = await listOrders(this.manager, query, principal, customers);
    const totals = query.totals ? await totalsOf(this.manager, query, principal, customers) : {};
    return { orders: rows.map((row) => toOrderResponse(row, principal)), ...page, ...totals };
  }

  /** One order by id or number. Errors: NOT_FOUND. */
  async get(reference: string, principal: Principal): Promise<OrderResponse> {
    return toOrderResponse(await this.find(reference, principal), principal);
  }

  /** The latest 1,000 changes of status, oldest first, the placing included. Errors: NOT_FOUND. */
  async history(reference: string, principal: Principal): Promise<HistoryResponse> {
    const { id } = await this.find(reference, principal);
    const latest = { where: { order_id: id }, order: { version: 'DESC' }, take: MAX_HISTORY } as const;
    const rows = await this.manager.find(OrderHistory, latest);
    return {
      history: rows.reverse().map((row) => ({
        from_status: row.from_status,
        to_status: row.to_status,
        actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
        reason: row.reason,
        request_id: row.request_id,
        created_at: row.created_at.toISOString(),
      })),
    };
  }

  /** Changes the status. Errors: NOT_FOUND, FORBIDDEN, INVALID_TRANSITION, PRECONDITION_FAILED, INSUFFICIENT_STOCK. */
  @Operation('orders.change_status')
  async changeStatus(reference: string, change: Change, principal: Principal): Promise<OrderResponse> {
    await this.shares.changes.run(() => this.transit(this.manager, reference, change, principal));
    return this.get(reference, principal);
  }

  /**
   * Edits address, note and metadata of a pending order and then, if asked, changes its status: both or neither.
   * Errors: as {@link changeStatus}, and ORDER_NOT_EDITABLE.
   */
  @Operation('orders.edit')
  async edit(
    reference: string,
    { status, ...fields }: EditOrderRequest,
    versions: ExpectedVersions,
    principal: Principal,
  ): Promise<OrderResponse> {
    const edits = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const change = async (manager: EntityManager) => {
      const order = await this.find(reference, principal, manager);
      assertVersion(order.version, versions);
      const edited = Object.keys(edits).length > 0;
      const present = edited ? [await this.write(manager, order, edits, versions, principal)] : versions;
      if (status !== undefined) await this.transit(manager, reference, { status, versions: present }, principal);
    };
    await this.shares.changes.run(() => this.manager.transaction(change));
    return this.get(reference, principal);
  }

  /** Returns the new version. From here to the end of the transaction the order is locked. */
  private async write(
    manager: EntityManager,
    order: OrderRow,
    edits: object,
    versions: ExpectedVersions,
    principal: Principal,
  ): Promise<number> {
    const { id, version } = order;
    const { raw } = await manager.update(
      Order,
      { id, status: 'pending', ...(versions && { version }) },
      { ...edits, version: () => 'version + 1', updated_at: () => 'now()' },
      { returning: ['version'] },
    );
    if (raw.length === 0) return this.rejectEdit(manager, id, versions);
    const { version: sequence } = raw[0];
    await publish(manager, edited(order, sequence, principal));
    return sequence;
  }

  private async rejectEdit(manager: EntityManager, id: number, versions: ExpectedVersions): Promise<never> {
    const present = await manager.findOneByOrFail(Order, { id });
    assertVersion(present.version, versions);
    throw new DomainError('ORDER_NOT_EDITABLE', `An order that is ${present.status} cannot be edited any more.`);
  }

  /**
   * Tries until the change is either made or refused: when the order changed between reading and writing, its present
   * state decides. Expected versions are compared again in the UPDATE.
   */
  private async transit(
    manager: EntityManager,
    reference: string,
    change: Change,
    principal: Principal,
  ): Promise<void> {
    for (;;) {
      const order = await this.find(reference, principal, manager);
      assertVersion(order.version, change.versions);
      const rule = transition(order.status, change.status);
      if (!rule) throw invalidTransition(order.status, change.status);
      if (!rule.roles.includes(principal.role)) {
        throw new DomainError('FORBIDDEN', `Your role (${principal.role}) may not make an order ${change.status}.`);
      }
      const { status: to, reason, versions } = change;
      const version = versions && order.version;
      const wanted = { orderId: order.id, from: order.status, to, reason, version };
      if (await this.transitions.change(wanted, principal, manager)) return;
    }
  }

  private async find(reference: string, principal: Principal, manager = this.manager): Promise<OrderRow> {
    const id = parseId(reference);
    const number = parseOrderNumber(reference);
    const order = await (id !== null
      ? findOrder(manager, { id }, principal)
      : number !== null
        ? findOrder(manager, { number }, principal)
        : undefined);
    if (!order) throw notFound('Order');
    return order;
  }
}

/** Refuses ranges that end before they begin. */
function assertRanges({ created_from, created_to, min_total_cents, max_total_cents }: OrdersQuery): void {
  const errors: FieldError[] = [];
  if (created_from && created_to && isAfter(created_from, created_to)) {
    errors.push({ field: 'created_to', message: 'must not be before created_from' });
  }
  if (min_total_cents !== undefined && max_total_cents !== undefined && min_total_cents > max_total_cents) {
    errors.push({ field: 'max_total_cents', message: 'must not be below min_total_cents' });
  }
  if (errors.length > 0) throw validationFailed(errors);
}

/** Whether a range of times ends before it begins; a date alone as its end is a whole day. */
function isAfter(from: string, to: string): boolean {
  const end = endOf(to);
  return end === to ? Date.parse(from) > Date.parse(to) : Date.parse(from) >= Date.parse(end);
}

/** The event of an edit: the status stays as it is. */
const edited = (order: OrderRow, sequence: number, actor: Principal): NewOrderEvent => ({
  topic: 'order.edited',
  aggregate_type: 'order',
  aggregate_id: order.id,
  sequence,
  payload: {
    order_number: order.number,
    user_id: order.user_id,
    from_status: order.status,
    to_status: order.status,
    reason: null,
    actor: { type: actor.type, id: actor.id },
  },
});
