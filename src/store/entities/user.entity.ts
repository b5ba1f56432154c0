/** A person, across providers. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';

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

  /** The user that this one went into; never one that went into another itself. */
  @Index('users_by_merge', { where: 'merged_into IS NOT NULL' })
  @Column('integer', { name: 'merged_into', nullable: true })
  mergedInto!: number | null;

  @ManyToOne(() => UserEntity)
  @JoinColumn({ name: 'merged_into', foreignKeyConstraintName: 'users_merged_into' })
  survivor?: UserEntity | null;

  /** PERSON or COMPANY. */
  @Column('text', { default: 'PERSON' })
  kind!: string;

  @Column('text', { name: 'verification_status' })
  verificationStatus!: string;

  @Column('text', { name: 'status_since', nullable: true })
  statusSince!: string | null;

  @Column('text', { name: 'expires_at', nullable: true })
  expiresAt!: string | null;

  @Column('boolean')
  active!: boolean;

  /** When all that is personal was destroyed; what is left of the user is a record. */
  @Index('users_erased', { where: 'erased_at IS NOT NULL' })
  @Column('text', { name: 'erased_at', nullable: true })
  erasedAt!: string | null;

  @Column('text', { name: 'created_at' })
  createdAt!: string;

  @Column('text', { name: 'updated_at' })
  updatedAt!: string;
}
