import { Controller, Get, Module } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Public } from '../../../src/access/access.decorators';
import { RouteAccessAudit } from '../../../src/auth/route-access-audit';

@Controller('guarded')
class Guarded {
  @Get()
  @Public()
  read(): void {}
}

@Controller('open')
class Open {
  @Get()
  @Public()
  read(): void {}

  @Get('all')
  readAll(): void {}

  /** No route: nothing to declare. */
  helper(): void {}
}

/** Starts an application with these controllers and nothing else. */
async function start(...controllers: (new () => object)[]): Promise<void> {
  class App {}
  Module({ imports: [DiscoveryModule], controllers, providers: [RouteAccessAudit] })(App);
  const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false, abortOnError: false });
  try {
    await app.init();
  } finally {
    await app.close();
  }
}

it('a service with a route that declares no access rule does not start, and names the route', async () => {
  await expect(start(Guarded, Open)).rejects.toThrow('Routes without an access rule (@Public or @Roles): Open.readAll');
});

it('a service whose routes all declare one starts', async () => {
  await start(Guarded);
});
