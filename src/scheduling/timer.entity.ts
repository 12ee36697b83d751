import { Column, Entity, PrimaryColumn } from 'typeorm';

/** When a timer last ran in any process: who moves `last_run_at` forward runs it. */
@Entity('timers')
export class Timer {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'timers_pkey' })
  name!: string;
  @Column({ type: 'timestamptz', precision: 3 })
  last_run_at!: Date;
}
