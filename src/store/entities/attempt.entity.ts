/** One run of one identity at one level: what its events add up to. */

import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
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

  /** The identity's user, kept beside it so that a user's attempts are one index range. */
  @Column('integer', { name: 'user_id' })
  userId!: number;

  @ManyToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'attempts_user' })
  user?: UserEntity;

  @Column('text', { name: 'level_key' })
  levelKey!: string;

  @ManyToOne(() => LevelEntity, { nullable: false })
  @JoinColumn({ name: 'level_key', foreignKeyConstraintName: 'attempts_level_key' })
  level?: LevelEntity;

  /** To be shown; it moves on when a late delivery tells of an attempt before this one. */
  @Column('integer')
  number!: number;

  @Column('text', { name: 'attempt_ref', nullable: true })
  attemptRef!: string | null;

  @Column('text')
  status!: string;

  @Column('text', { name: 'provider_status' })
  providerStatus!: string;

  /** JSON of `Rejection`. */
  @Column('simple-json', { nullable: true })
  rejection!: object | null;

  /** JSON list of `Reason`. */
  @Column('simple-json', { name: 'review_reasons' })
  reviewReasons!: readonly object[];

  @Column('text')
  trust!: string;

  @Column('boolean')
  sandbox!: boolean;

  @Column('text', { name: 'started_at' })
  startedAt!: string;

  @Column('text', { name: 'updated_at' })
  updatedAt!: string;

  @Column('text', { name: 'decided_at', nullable: true })
  decidedAt!: string | null;
}
