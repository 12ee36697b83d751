import { createRequire } from 'node:module';
import type { Request } from 'autocannon';
import type { Client } from 'pg';
import { PRODUCTS, USERS } from './fill.mts';
import { CONNECTIONS, type Load, load, SECONDS } from './load.mts';
import { scriptLine } from './pgbench.mts';
import type { Service } from './service.mts';

// The service as built: its SQL comes from the file that runs.
const { PLACE_ORDERS } = createRequire(import.meta.url)(
  '../dist/orders/placement/place-orders.statement.js',
) as typeof import('../src/orders/placement/place-orders.statement.js');

/** A placement of two lines with an idempotency key, as one prepared statement. */
export function placementScript(firstUser: number): string {
  const object = (fields: Record<string, string>) =>
    `jsonb_build_object(${Object.entries(fields)
      .map(([name, value]) => `'${name}', ${value}`)
      .join(', ')})`;
  const request = object({
    ...{ request: '1', user_id: ':user', number: ':n::bigint::text', address: `'1 Main St'`, metadata: `'{}'::jsonb` },
    ...{ actor_type: `'user'`, actor_id: ':user', actor_name: `'Customer'` },
    ...{ request_id: `'0198a3c1-5a0e-7cc1-b3a4-0f6c2f0a9b11'`, caller: `'user:' || :user::bigint` },
    ...{ key: ':n::bigint::text', request_hash: `'47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='` },
  });
  const line = (product: string, quantity: number, position: number) =>
    object({ request: '1', product_id: product, quantity: String(quantity), position: String(position) });
  const lines = `jsonb_build_array(${line(':a', 2, 1)}, ${line(':b', 1, 2)})`;
  return [
    `\\set user random(${firstUser}, ${firstUser + USERS - 1})\n\\set n random(1, 1000000000000000000)\n`,
    `\\set a random(1, ${PRODUCTS / 2})\n\\set b random(${PRODUCTS / 2 + 1}, ${PRODUCTS})\n`,
    scriptLine(PLACE_ORDERS.text, [`'USD'`, `'order.placed'`, `jsonb_build_array(${request})`, lines]),
  ].join('');
}

/** Requests that each place an order of two lines under a key of its own; no two runs share a key. */
export function placementRequest(token: string, firstUser: number): Request {
  const run = Date.now();
  let sent = 0;
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    setupRequest: (request) => {
      const n = sent++;
      const items = [
        { product_id: 1 + (n % (PRODUCTS / 2)), quantity: 2 },
        { product_id: PRODUCTS / 2 + 1 + ((n * 7) % (PRODUCTS / 2)), quantity: 1 },
      ];
      const body = JSON.stringify({ user_id: firstUser + (n % USERS), items, address: '1 Main St' });
      return { ...request, body, headers: { ...request.headers, 'idempotency-key': `${run}-${n}` } };
    },
  };
}

/** Places orders over HTTP for `seconds` and counts them in the database, so that an answer without an order is no work. */
export async function place(
  service: Service,
  token: string,
  client: Client,
  firstUser: number,
  seconds = SECONDS,
  rate?: number,
): Promise<Load> {
  const count = async () => Number((await client.query('SELECT count(*) AS n FROM orders')).rows[0].n);
  const before = await count();
  const url = `${service.origin}/api/v1/orders`;
  const measured = await load(url, placementRequest(token, firstUser), CONNECTIONS, seconds, rate);
  const placed = (await count()) - before;
  // Requests that were cut off at the end may have placed an order whose answer nobody counted.
  if (placed < measured.answered || placed > measured.answered + 2 * CONNECTIONS)
    throw new Error(`${measured.answered} answers, ${placed} orders`);
  return measured;
}
