import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Credentials } from './credentials';
import { PasswordPolicy } from './password-policy';
import { PasswordResets } from './password-resets';
import { Passwords } from './passwords';
import { User } from './user.entity';
import { UserStates } from './user-states';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  controllers: [UsersController],
  providers: [UsersService, Credentials, PasswordResets, UserStates, Passwords, PasswordPolicy],
  exports: [UsersService, Credentials, PasswordResets, UserStates],
})
export class UsersModule {}
