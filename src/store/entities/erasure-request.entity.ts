/** A pending erasure of a user. */

import { Column, Entity, Index, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { UserEntity } from './user.entity';

@Entity('erasure_requests')
export class ErasureRequestEntity {
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @OneToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'erasure_requests_user' })
  user?: UserEntity;

  @Column('text', { name: 'requested_at' })
  requestedAt!: string;

  @Column('text', { nullable: true })
  reason!: string | null;

  /** Time of the next attempt. `null`: after the legal hold is released. */
  @Index('erasure_requests_by_due')
  @Column('text', { name: 'due_at', nullable: true })
  dueAt!: string | null;
}
