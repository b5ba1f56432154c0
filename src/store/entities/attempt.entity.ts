/** A verification attempt: one run of one identity at one level. */

import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import type { Rejection } from '../../domain/change';
import type { Reason } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { LevelKey } from '../../domain/level';
import type { AttemptStatus, Trust } from '../../domain/status';
import { IdentityEntity } from './identity.entity';
import { LevelEntity } from './level.entity';
import { UserEntity } from './user.entity';

@Entity('attempts')
@Index('attempts_by_identity', ['identityId', 'levelKey', 'number'])
@Index('attempts_by_user', ['userId', 'startedAt', 'id'])
@Index('attempts_by_start', ['startedAt', 'id'])
@Index('attempts_by_update', ['updatedAt', 'id'])
@Index('attempts_by_status', ['status', 'startedAt', 'id'])
@Index('attempts_open', ['levelKey', 'status', 'updatedAt', 'decidedAt'], {
  where: 'decided_at IS NULL',
})
@Index('attempts_to_check', ['updatedAt', 'id'], { where: 'decided_at IS NULL' })
@Index('attempts_unconfirmed', ['updatedAt', 'id'], {
  where: "trust || ' ' || status IN ('TOKEN APPROVED', 'CONFIRMED CANCELLED')",
})
export class AttemptEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('integer', { name: 'identity_id' })
  identityId!: number;

  @ManyToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'attempts_identity' })
  identity?: IdentityEntity;

  /** User of the identity. Stored here so that the attempts of a user are one index range. */
  @Column('integer', { name: 'user_id' })
  userId!: number;

  @ManyToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'attempts_user' })
  user?: UserEntity;

  @Column('text', { name: 'level_key' })
  levelKey!: LevelKey;

  @ManyToOne(() => LevelEntity, { nullable: false })
  @JoinColumn({ name: 'level_key', foreignKeyConstraintName: 'attempts_level_key' })
  level?: LevelEntity;

  /** Ordinal per identity and level, from 1. Increases if a late delivery adds an earlier attempt. */
  @Column('integer')
  number!: number;

  /** The provider's ID of the attempt. */
  @Column('text', { name: 'attempt_ref', nullable: true })
  attemptRef!: string | null;

  @Column('text')
  status!: AttemptStatus;

  @Column('text', { name: 'provider_status' })
  providerStatus!: string;

  @Column('simple-json', { nullable: true })
  rejection!: Rejection | null;

  @Column('simple-json', { name: 'review_reasons' })
  reviewReasons!: readonly Reason[];

  @Column('text')
  trust!: Trust;

  @Column('boolean')
  sandbox!: boolean;

  @Column('text', { name: 'started_at' })
  startedAt!: Instant;

  @Column('text', { name: 'updated_at' })
  updatedAt!: Instant;

  /** `null` while the attempt is open. */
  @Column('text', { name: 'decided_at', nullable: true })
  decidedAt!: Instant | null;
}
