import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A mail to an address that its owner had not confirmed. Kept for a day. */
@Entity('unproved_mails')
@Index('unproved_mails_by_address', ['address', 'created_at'])
@Index('unproved_mails_by_time', ['created_at'])
export class UnprovedMail {
  /** The event that the mail is about. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'unproved_mails_pkey' })
  event_id!: string;
  /** In lower case. */
  @Column('text')
  address!: string;
  /** It was one too many, and was not sent. */
  @Column('boolean')
  left_out!: boolean;
  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  created_at!: Date;
}
