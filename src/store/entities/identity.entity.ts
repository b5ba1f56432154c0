/** One user's account at one provider. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
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
  provider!: string;

  @Column('text', { name: 'subject_ref' })
  subjectRef!: string;

  /** Our customer's id, by the vendor's latest word. */
  @Column('text', { name: 'external_user_id', nullable: true })
  externalUserId!: string | null;

  /** PERSON or COMPANY. */
  @Column('text', { default: 'PERSON' })
  kind!: string;

  @Column('text')
  state!: string;

  /** Tied by an operator: the vendor's word no longer moves it to another user. */
  @Column('boolean')
  linked!: boolean;

  /** The latest delivery without a clock of the vendor's: a repeat of that one is no news. */
  @Column('integer', { name: 'undated_delivery_id', nullable: true })
  undatedDeliveryId!: number | null;

  @Column('text', { name: 'created_at' })
  createdAt!: string;
}
