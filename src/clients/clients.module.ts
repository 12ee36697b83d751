import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiClient } from './api-client.entity';
import { ClientStates } from './client-states';
import { ClientsController } from './clients.controller';
import { ClientsService } from './clients.service';

@Module({
  imports: [TypeOrmModule.forFeature([ApiClient])],
  controllers: [ClientsController],
  providers: [ClientsService, ClientStates],
  exports: [ClientStates],
})
export class ClientsModule {}
