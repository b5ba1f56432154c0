/** An entry of the change log. The ID is its position: 1, 2, 3 … in the order of commit. */

import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import type { ChangeCauseKind, Rejection } from '../../domain/change';
import type { Instant } from '../../domain/instant';
import type { LevelKey, ProviderId } from '../../domain/level';
import type { AttemptStatus, VerificationStatus } from '../../domain/status';
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
  provider!: ProviderId | null;

  @Column('text', { name: 'level_key', nullable: true })
  levelKey!: LevelKey | null;

  /** Has no foreign key: a later event can join two attempts into one, and log entries are permanent. */
  @Index('changes_by_attempt')
  @Column('integer', { name: 'attempt_id', nullable: true })
  attemptId!: number | null;

  @Column('text', { name: 'attempt_status', nullable: true })
  attemptStatus!: AttemptStatus | null;

  @Column('text', { name: 'previous_attempt_status', nullable: true })
  previousAttemptStatus!: AttemptStatus | null;

  @Column('text', { name: 'level_status', nullable: true })
  levelStatus!: VerificationStatus | null;

  @Column('text', { name: 'previous_level_status', nullable: true })
  previousLevelStatus!: VerificationStatus | null;

  @Column('text', { name: 'verification_status' })
  verificationStatus!: VerificationStatus;

  @Column('text', { name: 'previous_verification_status' })
  previousVerificationStatus!: VerificationStatus;

  @Column('boolean')
  active!: boolean;

  @Column('boolean', { name: 'previous_active' })
  previousActive!: boolean;

  @Column('simple-json', { nullable: true })
  rejection!: Rejection | null;

  @Column('text')
  cause!: ChangeCauseKind;

  @Index('changes_by_delivery')
  @Column('integer', { name: 'delivery_id', nullable: true })
  deliveryId!: number | null;

  @Column('text', { nullable: true })
  actor!: string | null;

  @Index('changes_by_merge', { where: 'merged_user_id IS NOT NULL' })
  @Column('integer', { name: 'merged_user_id', nullable: true })
  mergedUserId!: number | null;

  @Column('text', { name: 'occurred_at' })
  occurredAt!: Instant;

  @Column('text', { name: 'recorded_at' })
  recordedAt!: string;

  /** Random. Distinguishes entries at the same position of logs that diverged. 0 in entries of older releases. */
  @Column('integer', { default: 0 })
  nonce!: number;
}
