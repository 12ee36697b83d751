import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Credentials } from './credentials';
import { Passwords } from './passwords';
import { User } from './user.entity';
import { UserStates } from './user-states';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  controllers: [UsersController],
  providers: [UsersService, Credentials, UserStates, Passwords],
  exports: [UsersService, Credentials, UserStates],
})
export class UsersModule {}
