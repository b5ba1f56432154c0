/** What a user holds at one level. */

import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
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
  levelKey!: string;

  @ManyToOne(() => LevelEntity, { nullable: false })
  @JoinColumn({ name: 'level_key', foreignKeyConstraintName: 'user_levels_level_key' })
  level?: LevelEntity;

  /** As which it counts for this user; `levels.kind` is what anybody was told of it. */
  @Column('text')
  kind!: string;

  @Column('text')
  status!: string;

  @Column('text')
  since!: string;

  @Column('text', { name: 'expires_at', nullable: true })
  expiresAt!: string | null;

  @Column('boolean')
  superseded!: boolean;

  /** Level of the later final rejection that blocks the approval. */
  @Column('text', { name: 'blocked_by', nullable: true })
  blockedBy!: string | null;

  @Column('text', { name: 'blocked_at', nullable: true })
  blockedAt!: string | null;

  @Column('integer', { name: 'latest_attempt_id' })
  latestAttemptId!: number;

  @ManyToOne(() => AttemptEntity, { nullable: false })
  @JoinColumn({ name: 'latest_attempt_id', foreignKeyConstraintName: 'user_levels_latest_attempt' })
  latestAttempt?: AttemptEntity;
}
