import { Controller, Get, Module } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { Public } from '../../../src/access/access.decorators';
import { RouteAccessAudit } from '../../../src/auth/route-access-audit';
import { startApp, type TestApp } from '../../support/app';
import type { Answer, Client } from '../../support/client';
import { contractOf } from '../../support/contract';
import { newScene, order, PEOPLE, type Person, ROUTES, type Scene, type Statuses } from '../../support/routes';

let app: TestApp;
let shared: Scene;
beforeAll(async () => {
  app = await startApp();
  shared = await newScene(app);
});
afterAll(() => app.close());

function ask(name: string, who: Client, id: number | string | undefined, body: object | undefined): Promise<Answer> {
  const [method, path] = name.split(' ') as [string, string];
  return who.send(method, path.replace('{id}', String(id)), body);
}

/** What of an answer could give away that something exists. */
const told = ({ status, body }: Answer) => ({ status, code: body.code, title: body.title, detail: body.detail });

it('no route is missing from the table, and none of it is gone', async () => {
  const contract = await contractOf(app.origin);
  expect(contract?.operations.map(({ name }) => name).sort()).toEqual(Object.keys(ROUTES).sort());
});

it('a route that declares no access rule ends the start with its name', async () => {
  @Controller('forgotten')
  class ForgottenController {
    @Get()
    read() {}

    @Get('public')
    @Public()
    readPublic() {}

    /** Not a route: it needs no rule. */
    helper() {}
  }
  @Module({ imports: [DiscoveryModule], controllers: [ForgottenController], providers: [RouteAccessAudit] })
  class ForgottenModule {}
  const start = NestFactory.createApplicationContext(ForgottenModule, { abortOnError: false, logger: false });
  await expect(start).rejects.toThrow(/: ForgottenController\.read$/);
});

it.each(Object.entries(ROUTES))('%s answers to each as it should', async (name, route) => {
  const { expected, object, body } = route;
  const scene = route.endsTokens ? await newScene(app) : shared;
  const given: Partial<Statuses> = {};
  for (const who of PEOPLE) {
    given[who] = (await ask(name, scene.people[who], await object?.(scene), body?.(scene))).status;
  }
  expect(given).toEqual(expected);
});

const WITH_OBJECT = Object.entries(ROUTES).filter(([, { object }]) => object);

it.each(WITH_OBJECT)('%s tells nobody whether what is not theirs exists', async (name, route) => {
  for (const who of PEOPLE) {
    const { [who]: status } = route.expected;
    const expected = route.missing?.[who] ?? (status === 401 || status === 403 ? status : 404);
    const missing = await ask(name, shared.people[who], 2_000_000_000, route.body?.(shared));
    expect([who, missing.status]).toEqual([who, expected]);
    if (status !== 404) continue;
    const others = await ask(name, shared.people[who], await route.object?.(shared), route.body?.(shared));
    expect(told(others)).toEqual(told(missing));
  }
});

it('users list their own orders only', async () => {
  const scene = await newScene(app);
  const id = await order(scene);
  const path = `orders?user_id=${scene.owner.id}`;
  const seen = async (who: Person) => (await scene.people[who].get(path)).body.orders;
  for (const who of ['user', 'service', 'admin'] as const) expect(await seen(who)).toMatchObject([{ id }]);
  expect(await seen('other')).toEqual([]);
});

describe('no write takes a field that is not its own', () => {
  const FOREIGN = [
    'id',
    'role',
    'active',
    'version',
    'token_version',
    'password_hash',
    'created_at',
    'total_amount_cents',
  ];
  const writes = Object.entries(ROUTES).filter(([, { body }]) => body);

  it.each(writes)('%s', async (name, { expected, object, body }) => {
    const known = Object.keys((await schemaOf(name)).properties);
    const who = PEOPLE.findLast((one) => expected[one] < 400) ?? 'admin';
    const valid = body?.(shared) as object;
    for (const field of FOREIGN.filter((one) => !known.includes(one))) {
      const { status, body } = await ask(name, shared.people[who], await object?.(shared), withField(valid, field));
      expect([status, body.errors]).toEqual([400, [{ field, message: 'is not a known field' }]]);
    }
  });

  /** The schema of a route's body, as it is documented. */
  async function schemaOf(name: string): Promise<{ properties: object }> {
    const [method, path] = name.split(' ') as [string, string];
    const { body } = await app.anonymous.get('/openapi.json');
    const content: Record<string, { schema: { $ref: string } }> =
      body.paths[path][method.toLowerCase()].requestBody.content;
    const reference = Object.values(content)[0]?.schema.$ref.split('/').at(-1);
    return body.components.schemas[reference as string];
  }

  function withField(valid: object, field: string): object {
    if (!(valid instanceof URLSearchParams)) return { ...valid, [field]: 1 };
    return new URLSearchParams([...valid, [field, '1']]);
  }
});
