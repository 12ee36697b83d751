import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { User } from '../users/user.entity';

/** A login that lasts: one family of refresh tokens, each made from the one before. Holds hashes only. */
@Entity('sessions')
@Unique('sessions_family', ['family'])
@Index('sessions_by_user', ['user_id', 'id'])
export class Session {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    primaryKeyConstraintName: 'sessions_pkey',
    generatedIdentity: 'BY DEFAULT',
  })
  id!: number;
  @Column('bigint')
  user_id!: number;
  @ManyToOne(() => User)
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'sessions_user' })
  user?: User;
  /** What all tokens of the family begin with: random, and never shown otherwise. */
  @Column('uuid')
  family!: string;
  /** SHA-256 of the token that can be used next. */
  @Column('bytea')
  token_hash!: Buffer;
  /** When the last 8 tokens were used, newest first. For a moment after that a token still gets the same successor. */
  @Column({ type: 'timestamptz', array: true, default: '{}' })
  rotations!: Date[];
  /** The user's at login: raising theirs ends the session. */
  @Column('integer')
  token_version!: number;
  @Column('text', { nullable: true })
  user_agent!: string | null;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  last_used_at!: Date;
}
