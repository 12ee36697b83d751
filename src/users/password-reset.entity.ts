import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { User } from './user.entity';

/**
 * A token that resets a forgotten password. `email` and `token_version` are the user's when it was sent: it is void once
 * either has changed. All three are null in the row that an address without an account leaves.
 */
@Entity('password_resets')
@Index('password_resets_by_expiry', ['expires_at'])
@Index('password_resets_by_user', ['user_id'])
export class PasswordReset {
  /** SHA-256 of the token. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'password_resets_pkey' })
  token_hash!: Buffer;
  @Column('bigint', { nullable: true })
  user_id!: number | null;
  @ManyToOne(() => User)
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'password_resets_user' })
  user?: User | null;
  @Column('text', { nullable: true })
  email!: string | null;
  @Column('integer', { nullable: true })
  token_version!: number | null;
  @Column({ type: 'timestamptz', precision: 3 })
  expires_at!: Date;
}
