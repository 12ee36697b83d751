import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Config } from '../config/config';
import { ConnectionShares } from './connection-shares';
import { dataSourceOptions, migrate } from './data-source';

/** The one data source of the process and the shares of its pool. Migrations run before anything else can query. */
@Global()
@Module({
  providers: [ConnectionShares],
  exports: [ConnectionShares],
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Config],
      useFactory: async (config: Config) => {
        const url = config.DATABASE_URL as string;
        await migrate(url);
        return dataSourceOptions(url, config.DATABASE_POOL_SIZE);
      },
    }),
  ],
})
export class DatabaseModule {}
