import { createSecretKey } from 'node:crypto';
import { Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { ClientsModule } from '../clients/clients.module';
import { Config } from '../config/config';
import { RateLimits } from '../rate-limit/rate-limits';
import { UsersModule } from '../users/users.module';
import { AccessGuard } from './access.guard';
import { AdminSeeder } from './admin-seeder';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { Callers } from './callers';
import { PasswordController } from './password.controller';
import { RefreshTokens } from './refresh-tokens';
import { RouteAccessAudit } from './route-access-audit';
import { SessionsController } from './sessions.controller';
import { SessionsService } from './sessions.service';
import { Tokens } from './tokens';

@Module({
  imports: [
    UsersModule,
    ClientsModule,
    DiscoveryModule,
    JwtModule.registerAsync({
      inject: [Config],
      // A key object: from text the library would make one for every token, trying to read it as a public key first,
      // which cost more than a third of the time of placing an order.
      useFactory: (config: Config) => ({ secret: createSecretKey(Buffer.from(config.SECRET_KEY as string)) }),
    }),
  ],
  controllers: [AuthController, SessionsController, PasswordController],
  providers: [
    RateLimits,
    Callers,
    AuthService,
    SessionsService,
    Tokens,
    RefreshTokens,
    RouteAccessAudit,
    AdminSeeder,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
})
export class AuthModule {}
