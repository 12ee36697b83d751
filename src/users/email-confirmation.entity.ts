import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { User } from './user.entity';

/** A token that proves an address: that of a new account, or the new one of an account. */
@Entity('email_confirmations')
@Index('email_confirmations_by_expiry', ['expires_at'])
@Index('email_confirmations_by_user', ['user_id'])
export class EmailConfirmation {
  /** SHA-256 of the token. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'email_confirmations_pkey' })
  token_hash!: Buffer;
  @Column('bigint')
  user_id!: number;
  @ManyToOne(() => User)
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'email_confirmations_user' })
  user?: User;
  /** The address that the token was sent to. */
  @Column('text')
  email!: string;
  @Column({ type: 'timestamptz', precision: 3 })
  expires_at!: Date;
}
