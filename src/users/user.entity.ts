import { Check, Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** A person with an account. E-mail and username are unique without regard to case (indexes on what `folded` makes of them). */
@Entity('users')
@Index('users_email', { synchronize: false })
@Index('users_username', { synchronize: false })
@Index('users_outdated_hashes', { synchronize: false })
@Index('users_search', { synchronize: false })
@Index('users_by_role', ['role', 'id'])
@Index('users_by_active', ['active', 'id'])
@Check('users_role', `role IN ('user', 'admin')`)
export class User {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'users_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @Column('text')
  name!: string;
  @Column('text')
  email!: string;
  /** When the owner proved that the address is theirs. */
  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  email_confirmed_at!: Date | null;
  /** The new address of a change that is not confirmed yet. */
  @Column('text', { nullable: true })
  pending_email!: string | null;
  @Column('text', { nullable: true })
  username!: string | null;
  /** argon2id in PHC form, or a bcrypt hash brought over from an earlier system. Never leaves the service. */
  @Column('text')
  password_hash!: string;
  @Column('text', { default: 'user' })
  role!: 'user' | 'admin';
  @Column('boolean', { default: true })
  active!: boolean;
  /** Part of every token; raising it ends all of them. */
  @Column('integer', { default: 1 })
  token_version!: number;
  /** The one session that the latest raise of `token_version` did not end. */
  @Column('bigint', { nullable: true })
  kept_session!: number | null;
  /** What a search looks in: written by a trigger, read by `containsText` only. */
  @Column({ type: 'text', collation: 'C', default: '', select: false, insert: false, update: false })
  search_text!: string;
  /** Raised by each change that a response shows; the ETag. */
  @Column('integer', { default: 1 })
  version!: number;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  updated_at!: Date;
}
