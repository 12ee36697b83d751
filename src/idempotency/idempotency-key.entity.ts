import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The first answer to a caller's `Idempotency-Key`, kept 24 hours. Written in the transaction of the order itself. */
@Entity('idempotency_keys')
@Index('idempotency_keys_by_age', { synchronize: false })
export class IdempotencyKey {
  /** `user:7` or `client:3`. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_keys_pkey' })
  caller!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_keys_pkey' })
  key!: string;
  @Column('text')
  request_hash!: string;
  @Column('jsonb')
  response!: unknown;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
}
