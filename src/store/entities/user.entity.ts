/** A person or company, with all its identities. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import type { Instant } from '../../domain/instant';
import type { SubjectKind } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';

@Entity('users')
@Unique('users_external_user_id', ['externalUserId'])
@Index('users_by_creation', ['createdAt', 'id'])
@Index('users_by_update', ['updatedAt', 'id'])
@Index('users_by_status', ['verificationStatus', 'createdAt', 'id'])
export class UserEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('text', { name: 'external_user_id', nullable: true })
  externalUserId!: string | null;

  /** The user that this one was merged into. Always a live user: chains of merges are flattened. */
  @Index('users_by_merge', { where: 'merged_into IS NOT NULL' })
  @Column('integer', { name: 'merged_into', nullable: true })
  mergedInto!: number | null;

  @ManyToOne(() => UserEntity)
  @JoinColumn({ name: 'merged_into', foreignKeyConstraintName: 'users_merged_into' })
  survivor?: UserEntity | null;

  @Column('text', { default: 'PERSON' })
  kind!: SubjectKind;

  @Column('text', { name: 'verification_status' })
  verificationStatus!: VerificationStatus;

  /** Time of the last status change. `null` in rows of older releases and until the first event. */
  @Column('text', { name: 'status_since', nullable: true })
  statusSince!: Instant | null;

  @Column('text', { name: 'expires_at', nullable: true })
  expiresAt!: Instant | null;

  @Column('boolean')
  active!: boolean;

  /** Time of erasure. An erased user is a tombstone that no longer changes. */
  @Index('users_erased', { where: 'erased_at IS NOT NULL' })
  @Column('text', { name: 'erased_at', nullable: true })
  erasedAt!: string | null;

  @Column('text', { name: 'created_at' })
  createdAt!: string;

  @Column('text', { name: 'updated_at' })
  updatedAt!: string;
}
