import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RateLimitModule } from '../rate-limit/rate-limit.module';
import { Credentials } from './credentials';
import { EmailAddresses } from './email-addresses';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';
import { PasswordResets } from './password-resets';
import { User } from './user.entity';
import { UserCache } from './user-cache';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';

@Module({
  imports: [RateLimitModule, TypeOrmModule.forFeature([User])],
  controllers: [UsersController],
  providers: [UsersService, Credentials, EmailAddresses, PasswordResets, UserCache, PasswordHasher, PasswordPolicy],
  exports: [UsersService, Credentials, EmailAddresses, PasswordResets, UserCache],
})
export class UsersModule {}
