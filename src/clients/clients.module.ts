import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiClient } from './api-client.entity';
import { ClientCache } from './client-cache';
import { ClientsController } from './clients.controller';
import { ClientsService } from './clients.service';

@Module({
  imports: [TypeOrmModule.forFeature([ApiClient])],
  controllers: [ClientsController],
  providers: [ClientsService, ClientCache],
  exports: [ClientCache],
})
export class ClientsModule {}
