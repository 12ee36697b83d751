import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Sender } from './api-request';
import { logIn, PASSWORD, startApp, type TestApp } from './app';
import type { Client } from './client';
import { type Contract, contractOf, type DocumentedOperation } from './contract';
import { eventually } from './eventually';
import { type Known, ValidRequests } from './valid-requests';

type Entity = { id: number };
type Order = Entity & { number: string };

/** A service with at least one resource of each kind, and the requests that it can be sent. */
export interface PopulatedApp {
  app: TestApp;
  contract: Contract;
  /**
   * Adds new orders and new users of each role, so that no operation depends on what another one has changed. Returns them with
   * the valid requests that they can send.
   */
  newPeople(): Promise<{ people: Record<Sender['label'], Sender>; valid: ValidRequests }>;
  /** Calls this for each operation of the document, a few at a time, and returns all results. */
  forEachOperation<T>(work: (operation: DocumentedOperation) => Promise<T[]>): Promise<T[]>;
}

/** Operations that are tried at the same time, because a single one mostly waits for the database. */
const AT_ONCE = 6;

export async function startPopulatedApp(): Promise<PopulatedApp> {
  const app = await startApp();
  const contract = (await contractOf(app.origin)) as Contract;
  // The small ids that are tried as payloads name nothing that the requests after them need.
  for (const table of ['users', 'products', 'orders', 'api_clients', 'sessions'])
    await app.sql(`ALTER TABLE ${table} ALTER COLUMN id RESTART WITH 2000`);
  const customer = await app.newUser();
  const bystander = await app.newUser();
  const products: (Entity & { sku: string })[] = [];
  for (const stock of [1_000_000_000, 50, null]) products.push(await app.newProduct({ sku: randomUUID(), stock }));
  const clients = await Promise.all(['a', 'b', 'c'].map((name) => newClient(app.admin, name)));
  const warehouse = await newClient(app.admin, 'Warehouse');
  const orders: Order[] = [];
  const events: { id: string }[] = [];

  // Of a product that no request can name: the known ones are changed, and may not be for sale any more. Made now, because
  // the first admin, whose id of 1 is among what is tried, may be none later on.
  const { id } = await app.newProduct({ stock: null });
  const placeOrders = async () => {
    for (let count = 0; count < 9; count++) {
      const { status, body } = await customer.post('orders', { items: [{ product_id: id, quantity: 1 }] });
      if (status !== 201) throw new Error(`No order for the requests to name: ${JSON.stringify(body)}`);
      orders.unshift(body);
    }
  };
  const newPeople = async () => {
    await placeOrders();
    // Not by the first admin, whose id of 1 is among what is tried.
    const { email } = await app.newUser();
    await app.sql("UPDATE users SET role = 'admin' WHERE email = $1", [email]);
    const admin = await logIn(app.anonymous, { email, password: PASSWORD });
    const { sessions } = (await admin.get('auth/sessions')).body;
    await eventually(async () => {
      events.splice(0, events.length, ...(await admin.get('events?limit=9')).body.events);
      return events.length > 0;
    }, 'events are in the log');
    const user = await logIn(app.anonymous, { email: (await app.newUser()).email, password: PASSWORD });
    const basic = Buffer.from(`${warehouse.client_id}:${warehouse.client_secret}`).toString('base64');
    const people = {
      admin: { label: 'admin', client: admin },
      user: { label: 'user', client: user },
      service: { label: 'service', client: app.anonymous.with({ authorization: `Basic ${basic}` }) },
      nobody: { label: 'nobody', client: app.anonymous },
    } as const;
    return { people, valid: new ValidRequests(contract, { ...known, '/auth/sessions/{id} id': among(sessions) }) };
  };
  const known = {
    ...knownEntities({ products, users: [bystander], clients, orders }),
    ...knownEvents(events),
    ...knownPeople(customer.email, warehouse),
    'PlaceOrderRequest.user_id': fc.constantFrom(customer.id, bystander.id),
  };
  return {
    app,
    contract,
    newPeople,
    async forEachOperation(work) {
      const waiting = [...contract.operations];
      const results: Awaited<ReturnType<typeof work>> = [];
      const runOneByOne = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) results.push(...(await work(next)));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, runOneByOne));
      return results;
    },
  };
}

async function newClient(admin: Client, name: string) {
  return (await admin.post('clients', { name })).body as Entity & { client_id: string; client_secret: string };
}

interface Entities {
  products: (Entity & { sku: string })[];
  users: Entity[];
  clients: Entity[];
  orders: Order[];
}

/** The id of one of them, and now and then one that nothing has. */
const among = (all: Entity[]) => fc.nat(12).map((index) => all[index % (all.length + 1)]?.id ?? 2_147_483_647);

/** Ids that exist, and now and then one that does not. Orders, newest first, are added later. */
function knownEntities({ products, users, clients, orders }: Entities): Known {
  const order = fc.nat(12).map((index) => {
    const one = orders[index >> 1];
    return index % 2 ? (one?.number ?? 'ORD-00000000') : (one?.id ?? 999_999);
  });
  const deleted = clients.slice(0, 1);
  const quantity = fc.integer({ min: 1, max: 1000 });
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }).filter((text) => /\S/.test(text));
  return {
    '/products/{id} id': among(products),
    '/products/{id}/stock id': among(products),
    '/users/{id} id': among(users),
    '/clients/{id} id': among(deleted),
    '/clients/{id}/rotate id': among(clients.slice(1)),
    ...Object.fromEntries(['', '/history', '/status', '/cancel'].map((verb) => [`/orders/{id}${verb} id`, order])),
    OrderItemRequest: fc.oneof(
      fc.record({ product_id: among(products), quantity }),
      fc.record({ sku: fc.constantFrom(...products.map(({ sku }) => sku)), quantity }),
      fc.record({ name, unit_price_cents: fc.nat(), quantity }),
    ),
    'PlaceOrderRequest.expected_total_cents': null,
    'AdjustStockRequest.delta': fc.integer({ min: 1, max: 1000 }),
    'If-Match': fc.constantFrom('*', '"1"', '"2"', '"99"', '"1", "2"', 'W/"1"'),
    'If-None-Match': fc.constantFrom('*', '"1"', 'W/"1"', '"99"', 'x'),
    // Only what a list has given out is one.
    cursor: null,
  };
}

/** Events that exist, and positions that the log has reached. */
function knownEvents(events: { id: string }[]): Known {
  const position = fc.integer({ min: 0, max: 9 });
  return {
    '/events/{id} id': fc.nat(9).map((index) => events[index]?.id ?? '0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11'),
    '/events after': position,
    '/events/stream after': position,
    'Last-Event-ID': position,
  };
}

function knownPeople(customer: string, client: { client_id: string; client_secret: string }): Known {
  const email = fc.constantFrom(customer, customer, 'nobody@example.com');
  const password = fc.constantFrom(PASSWORD, PASSWORD, 'wrong password');
  const grant = (grant_type: string) => fc.constant(grant_type);
  return {
    LoginRequest: fc.oneof(fc.record({ email, password }), fc.record({ username: email, password })),
    TokenRequest: fc.oneof(
      fc.record({ grant_type: grant('password'), username: email, password }),
      fc.record({ grant_type: grant('refresh_token'), refresh_token: fc.string({ minLength: 1 }) }),
      fc.record({
        grant_type: grant('client_credentials'),
        client_id: fc.constant(client.client_id),
        client_secret: fc.constantFrom(client.client_secret, 'wrong secret'),
      }),
    ),
    'ForgotPasswordRequest.email': email,
    'ChangePasswordRequest.current_password': password,
  };
}
