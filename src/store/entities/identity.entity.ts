/** A user's account at one provider, with its data key and its last status checks. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  OneToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import type { AccountState } from '../../domain/event';
import type { ProviderId, SubjectKind } from '../../domain/level';
import { UserEntity } from './user.entity';

@Entity('identities')
@Unique('identities_subject', ['provider', 'subjectRef'])
export class IdentityEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Index('identities_by_user')
  @Column('integer', { name: 'user_id' })
  userId!: number;

  @ManyToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'identities_user' })
  user?: UserEntity;

  @Column('text')
  provider!: ProviderId;

  @Column('text', { name: 'subject_ref' })
  subjectRef!: string;

  /** External user ID in the latest event that has one. */
  @Column('text', { name: 'external_user_id', nullable: true })
  externalUserId!: string | null;

  @Column('text', { default: 'PERSON' })
  kind!: SubjectKind;

  @Column('text')
  state!: AccountState;

  /** Whether an operator linked it to its user. Events then no longer move it to another user. */
  @Column('boolean')
  linked!: boolean;

  /** Latest delivery without a provider timestamp. Identical bytes that follow it are a duplicate. */
  @Column('integer', { name: 'undated_delivery_id', nullable: true })
  undatedDeliveryId!: number | null;

  @Column('text', { name: 'created_at' })
  createdAt!: string;
}

@Entity('identity_keys')
@Index('identity_keys_by_master', ['dataKeyId', 'identityId'])
export class IdentityKeyEntity {
  @PrimaryColumn('integer', { name: 'identity_id' })
  identityId!: number;

  @OneToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'identity_keys_identity' })
  identity?: IdentityEntity;

  /** Encrypted with a master key. */
  @Column('blob', { name: 'data_key' })
  dataKey!: Buffer;

  /** ID of that master key. */
  @Column('text', { name: 'data_key_id' })
  dataKeyId!: string;
}

@Entity('status_checks')
export class StatusCheckEntity {
  @PrimaryColumn('integer', { name: 'identity_id' })
  identityId!: number;

  /** ID of the action's attempt; 0 for the identity. */
  @PrimaryColumn('integer', { name: 'action_id' })
  actionId!: number;

  @ManyToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'status_checks_identity' })
  identity?: IdentityEntity;

  @Column('text', { name: 'checked_at' })
  checkedAt!: string;
}
