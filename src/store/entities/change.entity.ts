/** One entry of the change log. Ids are the positions: 1, 2, 3 … in the order of commit. */

import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { UserEntity } from './user.entity';

@Entity('changes')
@Index('changes_by_user', ['userId', 'id'])
export class ChangeEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('integer', { name: 'user_id' })
  userId!: number;

  @ManyToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'changes_user' })
  user?: UserEntity;

  @Column('text', { nullable: true })
  provider!: string | null;

  @Column('text', { name: 'level_key', nullable: true })
  levelKey!: string | null;

  /** No foreign key: a later event can show that what looked like two attempts was one, and the log outlives both. */
  @Index('changes_by_attempt')
  @Column('integer', { name: 'attempt_id', nullable: true })
  attemptId!: number | null;

  @Column('text', { name: 'attempt_status', nullable: true })
  attemptStatus!: string | null;

  @Column('text', { name: 'previous_attempt_status', nullable: true })
  previousAttemptStatus!: string | null;

  @Column('text', { name: 'level_status', nullable: true })
  levelStatus!: string | null;

  @Column('text', { name: 'previous_level_status', nullable: true })
  previousLevelStatus!: string | null;

  @Column('text', { name: 'verification_status' })
  verificationStatus!: string;

  @Column('text', { name: 'previous_verification_status' })
  previousVerificationStatus!: string;

  @Column('boolean')
  active!: boolean;

  @Column('boolean', { name: 'previous_active' })
  previousActive!: boolean;

  /** JSON of `Rejection`. */
  @Column('simple-json', { nullable: true })
  rejection!: object | null;

  @Column('text')
  cause!: string;

  @Index('changes_by_delivery')
  @Column('integer', { name: 'delivery_id', nullable: true })
  deliveryId!: number | null;

  @Column('text', { nullable: true })
  actor!: string | null;

  @Index('changes_by_merge', { where: 'merged_user_id IS NOT NULL' })
  @Column('integer', { name: 'merged_user_id', nullable: true })
  mergedUserId!: number | null;

  @Column('text', { name: 'occurred_at' })
  occurredAt!: string;

  @Column('text', { name: 'recorded_at' })
  recordedAt!: string;

  @Column('integer', { default: 0 })
  nonce!: number;
}
