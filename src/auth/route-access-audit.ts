import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { ACCESS } from '../access/access.decorators';

/** Refuses to start while any route lacks an access rule: deny by default, found out before the first request. */
@Injectable()
export class RouteAccessAudit implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onApplicationBootstrap(): void {
    const open = this.discovery.getControllers().flatMap(({ instance, name }) => {
      const prototype = Object.getPrototypeOf(instance);
      return this.scanner
        .getAllMethodNames(prototype)
        .filter((method) => Reflect.hasMetadata('path', prototype[method]))
        .filter((method) => !Reflect.hasMetadata(ACCESS, prototype[method]))
        .map((method) => `${name}.${method}`);
    });
    if (open.length > 0) throw new Error(`Routes without an access rule (@Public or @Roles): ${open.join(', ')}`);
  }
}
