import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { SYSTEM } from '../access/principal';
import { Config } from '../config/config';
import { DomainError } from '../errors/domain-error';
import { ProductsService } from './products.service';

/** A catalogue to try things on: the examples of the documentation order from it. The last one is not tracked. */
const DEMO_PRODUCTS = [
  { sku: 'MBP-16', name: 'MacBook Pro 16"', price_cents: 249_999, stock: 25 },
  { sku: 'MOUSE-1', name: 'Wireless mouse', price_cents: 2_999, stock: 200 },
  { sku: 'LAMP-7', name: 'Desk lamp', price_cents: 4_950, stock: 40 },
  { sku: 'CHAIR-2', name: 'Office chair', price_cents: 18_900, stock: 3 },
  { sku: 'GIFT-WRAP', name: 'Gift wrapping', price_cents: 500 },
];

/** Fills an empty catalogue when the service starts with `DEMO_DATA`. */
@Injectable()
export class DemoProducts implements OnApplicationBootstrap {
  constructor(
    private readonly config: Config,
    private readonly products: ProductsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.DEMO_DATA) return;
    const { products } = await this.products.list({ limit: 1 });
    if (products.length > 0) return;
    for (const product of DEMO_PRODUCTS) await this.add(product);
    new Logger('products').log(`Added ${DEMO_PRODUCTS.length} demo products (DEMO_DATA)`);
  }

  /** Leaves out what another process, started at the same moment, has added already. */
  private async add(product: (typeof DEMO_PRODUCTS)[number]): Promise<void> {
    try {
      await this.products.create(product, SYSTEM);
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'SKU_TAKEN')) throw error;
    }
  }
}
