import { randomUUID } from 'node:crypto';
import { logIn, PASSWORD, type TestApp } from './app';
import type { Client } from './client';
import { eventually } from './eventually';

/** The callers of a route. Its resource belongs to `user`; `deactivated` has a token from before. */
export const PEOPLE = ['nobody', 'deactivated', 'user', 'other', 'service', 'admin'] as const;
export type Person = (typeof PEOPLE)[number];
export type Statuses = Record<Person, number>;

/** The callers, and the owner of what they ask for. */
export interface Scene {
  app: TestApp;
  people: Record<Person, Client>;
  owner: Awaited<ReturnType<TestApp['newUser']>>;
}

/** A route, and its status for each caller. */
interface Route {
  /** The status for each caller. */
  expected: Statuses;
  /** The status for an id that does not exist, where it is neither the caller's refusal nor 404. */
  missing?: Partial<Statuses>;
  /** Creates the resource for `{id}` of the path, owned by `user`; called once for each request. */
  object?: (scene: Scene) => Promise<number | string>;
  body?: (scene: Scene) => object;
  /** It ends the tokens of its callers, so each case creates its own. */
  endsTokens?: boolean;
}

const anybody = (status: number): Statuses => ({
  ...{ nobody: status, deactivated: status, user: status, other: status, service: status, admin: status },
});
const only = (statuses: Partial<Statuses>): Statuses => ({
  ...anybody(403),
  nobody: 401,
  deactivated: 401,
  ...statuses,
});
const admins = (admin: number) => only({ admin });
const people = (status: number) => only({ user: status, other: status, admin: status });
const own = (status: number) => only({ user: status, other: 404, service: status, admin: status });

const person = () => ({ name: 'Bob Jones', email: `${randomUUID()}@example.com`, password: PASSWORD });
const product = async ({ app }: Scene) => (await app.newProduct()).id as number;
const client = async ({ app }: Scene) => (await app.admin.post('clients', { name: 'Warehouse' })).body.id as number;
const self = async ({ owner }: Scene) => owner.id;
export const order = async (scene: Scene) =>
  (await scene.owner.post('orders', { items: [{ product_id: await product(scene), quantity: 1 }] })).body.id as number;
const event = async (scene: Scene) => {
  const id = await order(scene);
  const logged = async () => (await scene.app.admin.get(`events?order_id=${id}`)).body.events[0]?.id as string;
  return eventually(logged, 'the event is in the log');
};
const session = async ({ app, owner }: Scene) => {
  await logIn(app.anonymous, { email: owner.email, password: PASSWORD });
  return (await owner.get('auth/sessions?limit=100')).body.sessions.at(-1).id as number;
};

/** Every route, with its status for each caller. A route that is missing here fails access.spec.ts. */
export const ROUTES: Record<string, Route> = {
  'GET /health': { expected: anybody(200) },
  'GET /health/live': { expected: anybody(200) },
  'GET /health/ready': { expected: anybody(200) },
  'GET /metrics': { expected: anybody(200) },

  'POST /api/v1/auth/register': { expected: anybody(201), body: person },
  'POST /api/v1/auth/login': {
    expected: anybody(200),
    body: ({ owner }) => ({ email: owner.email, password: PASSWORD }),
  },
  'POST /api/v1/auth/token': {
    expected: anybody(200),
    body: ({ owner }) => new URLSearchParams({ grant_type: 'password', username: owner.email, password: PASSWORD }),
  },
  'GET /api/v1/auth/me': { expected: people(200) },
  'POST /api/v1/auth/logout': { expected: anybody(204), body: () => ({ refresh_token: 'x' }) },
  'POST /api/v1/auth/logout-all': { expected: people(204), endsTokens: true },
  'GET /api/v1/auth/sessions': { expected: people(200) },
  'DELETE /api/v1/auth/sessions/{id}': { expected: only({ user: 204, other: 404, admin: 404 }), object: session },
  'POST /api/v1/auth/password': {
    expected: people(204),
    body: () => ({ current_password: PASSWORD, new_password: 'another long password' }),
    endsTokens: true,
  },
  'POST /api/v1/auth/forgot-password': { expected: anybody(202), body: () => ({ email: 'nobody@example.com' }) },
  'POST /api/v1/auth/confirm-email': { expected: anybody(400), body: () => ({ token: 'x' }) },
  'POST /api/v1/auth/resend-confirmation': { expected: people(202) },
  'POST /api/v1/auth/reset-password': {
    expected: anybody(400),
    body: () => ({ token: 'x', new_password: 'another long password' }),
  },

  'GET /api/v1/users': { expected: admins(200) },
  'POST /api/v1/users': { expected: admins(201), body: () => ({ ...person(), role: 'user' }) },
  'GET /api/v1/users/{id}': { expected: only({ user: 200, other: 404, admin: 200 }), object: self },
  'PATCH /api/v1/users/{id}': {
    expected: only({ user: 200, other: 404, admin: 200 }),
    object: self,
    body: () => ({ name: 'Ann Lee' }),
  },

  'GET /api/v1/clients': { expected: admins(200) },
  'POST /api/v1/clients': { expected: admins(201), body: () => ({ name: 'Warehouse' }) },
  'GET /api/v1/clients/{id}': { expected: admins(200), object: client },
  'DELETE /api/v1/clients/{id}': { expected: admins(204), object: client },
  'POST /api/v1/clients/{id}/rotate': { expected: admins(200), object: client },

  'GET /api/v1/products': { expected: anybody(200) },
  'POST /api/v1/products': { expected: admins(201), body: () => ({ name: 'Lamp', price_cents: 100 }) },
  'GET /api/v1/products/{id}': { expected: anybody(200), object: product },
  'PATCH /api/v1/products/{id}': { expected: admins(200), object: product, body: () => ({ price_cents: 200 }) },
  'POST /api/v1/products/{id}/stock': {
    expected: admins(200),
    object: product,
    body: () => ({ delta: 1, reason: 'found' }),
  },

  'POST /api/v1/orders': {
    expected: only({ user: 403, other: 403, service: 201, admin: 201 }),
    body: ({ owner }) => ({ user_id: owner.id, items: [{ name: 'Lamp', unit_price_cents: 100, quantity: 1 }] }),
  },
  'GET /api/v1/orders': { expected: only({ user: 200, other: 200, service: 200, admin: 200 }) },
  'GET /api/v1/orders/{id}': { expected: own(200), object: order },
  'GET /api/v1/orders/{id}/history': { expected: own(200), object: order },
  'PATCH /api/v1/orders/{id}': { expected: own(200), object: order, body: () => ({ note: 'ring twice' }) },
  'PATCH /api/v1/orders/{id}/status': {
    expected: { ...own(200), user: 403 },
    missing: { user: 404 },
    object: order,
    body: () => ({ status: 'paid' }),
  },
  'PATCH /api/v1/orders/{id}/cancel': { expected: own(200), object: order, body: () => ({ reason: 'too late' }) },

  'GET /api/v1/events': { expected: only({ user: 200, other: 200, service: 200, admin: 200 }) },
  'GET /api/v1/events/stream': { expected: only({ user: 200, other: 200, service: 200, admin: 200 }) },
  'GET /api/v1/events/{id}': { expected: own(200), object: event },

  'POST /api/v1/processing/runs': { expected: admins(202) },
  'GET /api/v1/notifications/dead-letters': { expected: admins(200) },
  'POST /api/v1/notifications/dead-letters/requeue': { expected: admins(202) },
};

/** New users, so that no earlier change affects them. */
export async function newScene(app: TestApp): Promise<Scene> {
  const [owner, other, gone] = await Promise.all([app.newUser(), app.newUser(), app.newUser()]);
  const admin = person();
  await app.admin.post('users', { ...admin, role: 'admin' });
  await app.admin.patch(`users/${gone.id}`, { active: false });
  const { body } = await app.admin.post('clients', { name: 'Warehouse' });
  const authorization = `Basic ${Buffer.from(`${body.client_id}:${body.client_secret}`).toString('base64')}`;
  const people = {
    nobody: app.anonymous,
    deactivated: gone,
    user: owner,
    other,
    service: app.anonymous.with({ authorization }),
    admin: await logIn(app.anonymous, admin),
  };
  return { app, owner, people };
}
