import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, type Repository } from 'typeorm';
import type { Principal } from '../access/principal';
import { Config } from '../config/config';
import { ConnectionShares } from '../database/connection-shares';
import { containsText } from '../database/search';
import { violatedConstraint } from '../errors/database-errors';
import { DomainError, notFound, validationFailed } from '../errors/domain-error';
import { pageById } from '../http/dto/pagination';
import { assertVersion, type ExpectedVersions } from '../http/etag';
import { Operation } from '../observability/operation';
import { StockMovement } from '../stock/stock-movement.entity';
import { Product } from './product.entity';
import {
  type AdjustStockRequest,
  type CreateProductRequest,
  type ProductsQuery,
  type UpdateProductRequest,
} from './product-request.dto';
import { type ProductListResponse, type ProductResponse, toProductResponse } from './product-response.dto';

/** The catalogue and its stock. Anybody may read it; only admins change it. */
@Injectable()
export class ProductsService {
  constructor(
    @InjectRepository(Product) private readonly products: Repository<Product>,
    private readonly config: Config,
    private readonly shares: ConnectionShares,
  ) {}

  /** One page of the catalogue, by id. Errors: VALIDATION_FAILED. */
  async list(query: ProductsQuery): Promise<ProductListResponse> {
    const found = this.products.createQueryBuilder('product');
    if (query.active !== undefined) found.andWhere('product.active = :active', { active: query.active });
    if (query.q !== undefined) found.andWhere(containsText('product', ':q'), { q: query.q });
    const { rows, page } = await this.shares.lists.run(() => pageById(query, found));
    return { products: rows.map((product) => this.response(product)), ...page };
  }

  /** One product. Errors: NOT_FOUND. */
  async get(id: number): Promise<ProductResponse> {
    const product = await this.products.findOneBy({ id });
    if (!product) throw notFound('Product');
    return this.response(product);
  }

  /** Adds a product; its first stock is a movement of the ledger like any other. Admins only. Errors: SKU_TAKEN. */
  @Operation('products.create')
  async create({ stock = null, ...fields }: CreateProductRequest, actor: Principal): Promise<ProductResponse> {
    return this.products.manager.transaction(async (manager) => {
      const product = await manager
        .save(Product, { ...fields, on_hand: stock, reserved: stock === null ? null : 0 })
        .catch(rejectTakenSku);
      if (stock) await recordAdjustment(manager, product.id, { delta: stock, reason: 'initial stock' }, actor);
      return this.response(await manager.findOneByOrFail(Product, { id: product.id }));
    });
  }

  /**
   * Changes what is given, if the product has one of these versions. Orders keep what they copied at purchase. Admins only.
   * Errors: NOT_FOUND, SKU_TAKEN, PRECONDITION_FAILED.
   */
  @Operation('products.update')
  async update(id: number, changes: UpdateProductRequest, versions?: ExpectedVersions): Promise<ProductResponse> {
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const expected = { id, ...(versions && { version: In([...versions]) }) };
    const set = { ...given, version: () => 'version + 1', updated_at: () => 'now()' };
    const { affected } =
      Object.keys(given).length === 0
        ? { affected: 0 }
        : await this.shares.changes.run(() => this.products.update(expected, set)).catch(rejectTakenSku);
    const product = await this.get(id);
    if (affected === 0) assertVersion(product.version, versions);
    return product;
  }

  /**
   * Adds to or takes from the pieces on hand, in the ledger. Starts tracking where stock was not tracked. Admins only.
   * Errors: NOT_FOUND, INSUFFICIENT_STOCK when fewer pieces would be left than are reserved.
   */
  @Operation('products.adjust_stock')
  async adjustStock(id: number, adjustment: AdjustStockRequest, actor: Principal): Promise<ProductResponse> {
    if (adjustment.delta === 0) throw validationFailed([{ field: 'delta', message: 'must not be 0' }]);
    const adjust = async (manager: EntityManager) => {
      const { affected } = await manager
        .createQueryBuilder()
        .update(Product)
        .set({
          on_hand: () => 'coalesce(on_hand, 0) + :delta',
          reserved: () => 'coalesce(reserved, 0)',
          updated_at: () => 'now()',
        })
        .where('id = :id AND coalesce(on_hand, 0)::bigint + :delta BETWEEN coalesce(reserved, 0) AND 2000000000')
        .setParameters({ id, delta: adjustment.delta })
        .execute();
      const product = await manager.findOneBy(Product, { id });
      if (!product) throw notFound('Product');
      if (affected === 0) throw notEnough(product);
      await recordAdjustment(manager, id, adjustment, actor);
      return this.response(product);
    };
    return this.shares.changes.run(() => this.products.manager.transaction(adjust));
  }

  private response(product: Product): ProductResponse {
    return toProductResponse(product, this.config.CURRENCY);
  }
}

function recordAdjustment(
  manager: EntityManager,
  product_id: number,
  { delta, reason }: AdjustStockRequest,
  actor: Principal,
): Promise<unknown> {
  return manager.insert(StockMovement, {
    product_id,
    kind: 'adjust',
    on_hand_delta: delta,
    reserved_delta: 0,
    reason,
    actor_type: actor.type,
    actor_id: actor.id,
  });
}

const notEnough = ({ on_hand, reserved }: Product) =>
  new DomainError(
    'INSUFFICIENT_STOCK',
    `The product has ${on_hand ?? 0} on hand and ${reserved ?? 0} reserved: its stock must stay between the two and 2000000000.`,
  );

function rejectTakenSku(error: unknown): never {
  if (violatedConstraint(error) === 'products_sku') throw new DomainError('SKU_TAKEN', 'Another product has this SKU.');
  throw error;
}
