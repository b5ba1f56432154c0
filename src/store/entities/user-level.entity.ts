/** State of one user at one level. */

import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { Instant } from '../../domain/instant';
import type { LevelKey, LevelKind } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import { AttemptEntity } from './attempt.entity';
import { LevelEntity } from './level.entity';
import { UserEntity } from './user.entity';

@Entity('user_levels', { withoutRowid: true })
@Index('user_levels_by_level', ['levelKey', 'userId'])
@Index('user_levels_by_expiry', ['expiresAt'], { where: "status = 'VERIFIED'" })
export class UserLevelEntity {
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @ManyToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'user_levels_user' })
  user?: UserEntity;

  @PrimaryColumn('text', { name: 'level_key' })
  levelKey!: LevelKey;

  @ManyToOne(() => LevelEntity, { nullable: false })
  @JoinColumn({ name: 'level_key', foreignKeyConstraintName: 'user_levels_level_key' })
  level?: LevelEntity;

  /** Kind that counts for this user. `levels.kind` is the least kind over all users. */
  @Column('text')
  kind!: LevelKind;

  @Column('text')
  status!: VerificationStatus;

  @Column('text')
  since!: Instant;

  @Column('text', { name: 'expires_at', nullable: true })
  expiresAt!: Instant | null;

  /** Whether the provider has moved the user to another level or deleted the account since. */
  @Column('boolean')
  superseded!: boolean;

  /** Level of the later final rejection that blocks the approval. */
  @Column('text', { name: 'blocked_by', nullable: true })
  blockedBy!: LevelKey | null;

  /** Time of that rejection. */
  @Column('text', { name: 'blocked_at', nullable: true })
  blockedAt!: Instant | null;

  @Column('integer', { name: 'latest_attempt_id' })
  latestAttemptId!: number;

  @ManyToOne(() => AttemptEntity, { nullable: false })
  @JoinColumn({ name: 'latest_attempt_id', foreignKeyConstraintName: 'user_levels_latest_attempt' })
  latestAttempt?: AttemptEntity;
}
