import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** Another backend that may call this service, with the role `service`. */
@Entity('api_clients')
@Unique('api_clients_client_id', ['client_id'])
export class ApiClient {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'api_clients_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @Column('text')
  name!: string;
  /** What it calls itself by: random, not secret. */
  @Column('text')
  client_id!: string;
  /** SHA-256 of the secret. A slow hash has nothing to add to 256 random bits. */
  @Column('bytea')
  secret_hash!: Buffer;
  /** Part of every token that the secret was traded for; rotating raises it. */
  @Column('integer', { default: 1 })
  token_version!: number;
  /** Raised by each change that a response shows; the ETag. */
  @Column('integer', { default: 1 })
  version!: number;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
}
