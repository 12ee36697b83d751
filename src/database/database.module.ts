import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Config } from '../config/config';
import { dataSourceOptions, migrate } from './data-source';

/** The one data source of the process. Migrations run before anything else can query. */
@Module({
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
