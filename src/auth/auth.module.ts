import { Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AuthModuleOptions } from '@nestjs/passport';
import { ClientsModule } from '../clients/clients.module';
import { Config } from '../config/config';
import { RateLimitGuard } from '../rate-limit/rate-limit.guard';
import { RateLimitModule } from '../rate-limit/rate-limit.module';
import { UsersModule } from '../users/users.module';
import { AccessGuard } from './access.guard';
import { AccessTokens } from './access-tokens';
import { AdminSeeder } from './admin-seeder';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { AuthenticationGuard } from './authentication.guard';
import { BasicStrategy } from './basic.strategy';
import { ConfirmationController } from './confirmation.controller';
import { JwtStrategy } from './jwt.strategy';
import { PasswordController } from './password.controller';
import { RefreshTokens } from './refresh-tokens';
import { RouteAccessAudit } from './route-access-audit';
import { SessionsController } from './sessions.controller';
import { SessionsService } from './sessions.service';
import { signingKey } from './signing-key';
import { Strategies } from './strategies';

@Module({
  imports: [
    UsersModule,
    ClientsModule,
    RateLimitModule,
    DiscoveryModule,
    JwtModule.registerAsync({
      inject: [Config],
      useFactory: (config: Config) => ({ secret: signingKey(config) }),
    }),
  ],
  controllers: [AuthController, ConfirmationController, SessionsController, PasswordController],
  providers: [
    JwtStrategy,
    BasicStrategy,
    { provide: AuthModuleOptions, useClass: Strategies },
    AuthService,
    SessionsService,
    AccessTokens,
    RefreshTokens,
    RouteAccessAudit,
    AdminSeeder,
    // In this order: who asks, how often, and whether they may.
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    { provide: APP_GUARD, useExisting: RateLimitGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
})
export class AuthModule {}
