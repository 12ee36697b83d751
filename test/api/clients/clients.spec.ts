import { PASSWORD, startApp, type TestApp } from '../../support/app';
import type { Client } from '../../support/client';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const encode = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const basic = ({ client_id, client_secret }: { client_id: string; client_secret: string }) =>
  app.anonymous.with({ authorization: encode(`${client_id}:${client_secret}`) });
const bearer = (token: string) => app.anonymous.with({ authorization: `Bearer ${token}` });
const newClient = async (name = 'Warehouse') => (await app.admin.post('clients', { name })).body;

const grant = (fields: object, as: Client = app.anonymous) =>
  as.post('auth/token', new URLSearchParams({ grant_type: 'client_credentials', ...fields }));

/** An access token that the client's credentials were traded for. */
const traded = async (client: Parameters<typeof basic>[0]) =>
  (await grant({}, basic(client))).body.access_token as string;

describe('managing', () => {
  it('an admin creates a client, and sees its secret this once', async () => {
    const { status, body, headers } = await app.admin.post('clients', { name: 'Warehouse' });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/v1/clients/${body.id}`);
    expect(headers.get('cache-control')).toBe('no-store');
    const { client_secret, ...shown } = body;
    expect(shown).toEqual({
      id: expect.any(Number),
      name: 'Warehouse',
      client_id: expect.stringMatching(/^client_[\w-]{16}$/),
      version: 1,
      created_at: expect.stringMatching(/Z$/),
    });
    expect(client_secret).toMatch(/^[\w-]{43}$/);
    expect((await app.admin.get(`clients/${body.id}`)).body).toEqual(shown);
    expect((await app.admin.get('clients?limit=100')).body.clients).toContainEqual(shown);
    const [{ rows }] = await app.sql("SELECT string_agg(c::text, ' ') AS rows FROM api_clients c");
    expect(rows).toContain(body.client_id);
    expect(rows).not.toContain(client_secret);
  });

  it('lists them by id, in pages', async () => {
    const created = [await newClient(), await newClient(), await newClient()].map(({ id }) => id);
    const { clients } = (await app.admin.get('clients?limit=100')).body;
    const ids = clients.map(({ id }: { id: number }) => id);
    expect(ids.slice(-3)).toEqual(created);
    const first = (await app.admin.get(`clients?limit=2&offset=${ids.length - 3}`)).body;
    expect(first).toMatchObject({ clients: [{ id: created[0] }, { id: created[1] }], has_more: true });
    const second = (await app.admin.get(`clients?cursor=${first.next_cursor}`)).body;
    expect(second).toMatchObject({ clients: [{ id: created[2] }], has_more: false });
  });

  it.each([
    {},
    { name: '' },
    { name: 'x'.repeat(101) },
    { name: 'x', client_id: 'mine' },
    { name: 'x', role: 'admin' },
  ])('refuses %j', async (body) => expect((await app.admin.post('clients', body)).status).toBe(400));

  it('one that does not exist is 404', async () => {
    for (const answer of [
      await app.admin.get('clients/99999'),
      await app.admin.post('clients/99999/rotate'),
      await app.admin.delete('clients/99999'),
    ])
      expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('calling', () => {
  it('a client places orders for any user by HTTP Basic, and stands in the history', async () => {
    const [client, user, lamp] = [await newClient(), await app.newUser(), await app.newProduct()];
    const order = { user_id: user.id, items: [{ product_id: lamp.id, quantity: 1 }] };
    const placed = await basic(client).post('orders', order);
    expect(placed.status).toBe(201);
    const { history } = (await user.get(`orders/${placed.body.id}/history`)).body;
    expect(history[0].actor).toEqual({ type: 'client', id: client.id, name: 'Warehouse' });
    expect((await basic(client).get('orders')).status).toBe(200);
  });

  it('is neither rotated nor deleted with a stale ETag', async () => {
    const client = await newClient();
    const stale = app.admin.with({ 'if-match': '"1"' });
    expect((await stale.post(`clients/${client.id}/rotate`)).headers.get('etag')).toBe('"2"');
    expect((await stale.post(`clients/${client.id}/rotate`)).status).toBe(412);
    expect((await stale.delete(`clients/${client.id}`)).status).toBe(412);
    expect((await app.admin.with({ 'if-match': '"2"' }).delete(`clients/${client.id}`)).status).toBe(204);
  });

  it('trades its credentials, in a header or the body, for a token with the role service', async () => {
    const client = await newClient();
    const { client_id, client_secret } = client;
    for (const answer of [await grant({}, basic(client)), await grant({ client_id, client_secret })]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'bearer', expires_in: 900 });
      expect((await bearer(answer.body.access_token).get('orders')).status).toBe(200);
      const claims = JSON.parse(Buffer.from(answer.body.access_token.split('.')[1], 'base64url').toString());
      expect(claims).toMatchObject({ sub: client_id, role: 'service', token_use: 'access' });
    }
  });

  it('may not do what is for people or admins', async () => {
    const client = await newClient();
    for (const as of [basic(client), bearer(await traded(client))])
      for (const path of ['users', 'clients', 'auth/me', 'auth/sessions', 'users/1'])
        expect((await as.get(path)).body.code).toBe('FORBIDDEN');
  });

  it.each([
    ['a wrong secret', (id: string) => `${id}:${'A'.repeat(43)}`],
    ['no secret', (id: string) => `${id}:`],
    ['an unknown client', () => `client_${'A'.repeat(16)}:x`],
    ['a user with a password', () => `admin:a long admin password`],
  ])('is refused with %s, by the challenge it tried', async (_, credentials) => {
    const { client_id } = await newClient();
    const as = app.anonymous.with({ authorization: encode(credentials(client_id)) });
    for (const { status, body, headers } of [await as.get('orders'), await grant({}, as)]) {
      expect([status, body.code]).toEqual([401, 'INVALID_CLIENT']);
      expect(headers.get('www-authenticate')).toBe('Basic realm="orders", charset="UTF-8"');
    }
    expect((await grant({}, as)).body.error).toBe('invalid_client');
  });

  it.each(['Basic', 'Basic Og==', 'Basic !!!', `Basic ${Buffer.from('no colon').toString('base64')}`])(
    'what names no client (%s) is as if nobody asked',
    async (authorization) => {
      const { status, body } = await app.anonymous.with({ authorization }).get('orders');
      expect([status, body.code]).toEqual([401, 'UNAUTHENTICATED']);
    },
  );

  it('without any credentials the grant is invalid_client', async () => {
    expect((await grant({})).body.error).toBe('invalid_client');
  });

  it('the empty client that Swagger UI sends along with a password is accepted', async () => {
    const user = await app.newUser();
    const form = new URLSearchParams({ grant_type: 'password', username: user.email, password: PASSWORD });
    const swagger = app.anonymous.with({ authorization: 'Basic Og==' });
    expect((await swagger.post('auth/token', form)).status).toBe(200);
    form.set('password', 'a wrong password');
    const wrong = await swagger.post('auth/token', form);
    expect([wrong.body.error, wrong.headers.get('www-authenticate')]).toEqual([
      'invalid_grant',
      'Bearer realm="orders"',
    ]);
  });
});

describe('ending', () => {
  it('a rotated secret, and the tokens it was traded for, are refused at the next request', async () => {
    const client = await newClient();
    const token = await traded(client);
    const { status, body: rotated } = await app.admin.post(`clients/${client.id}/rotate`);
    expect([status, rotated]).toEqual([
      200,
      { ...client, version: 2, client_secret: expect.stringMatching(/^[\w-]{43}$/) },
    ]);
    expect(rotated.client_secret).not.toBe(client.client_secret);
    expect((await basic(client).get('orders')).status).toBe(401);
    expect((await bearer(token).get('orders')).status).toBe(401);
    expect((await basic(rotated).get('orders')).status).toBe(200);
    expect((await bearer(await traded(rotated)).get('orders')).status).toBe(200);
  });

  it('a deleted client, and its tokens, are refused at the next request', async () => {
    const client = await newClient();
    const token = await traded(client);
    expect((await app.admin.delete(`clients/${client.id}`)).status).toBe(204);
    expect((await basic(client).get('orders')).status).toBe(401);
    expect((await bearer(token).get('orders')).status).toBe(401);
    expect((await app.admin.delete(`clients/${client.id}`)).status).toBe(404);
  });
});
