/** A legal hold: blocks erasure of a user. */

import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { UserEntity } from './user.entity';

@Entity('legal_holds')
export class LegalHoldEntity {
  /** Held user. If it was merged, the hold also applies to the merge target. */
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @OneToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'legal_holds_user' })
  user?: UserEntity;

  /** Legal basis, from the operator. */
  @Column('text')
  basis!: string;

  /** `null`: until an operator releases the hold. */
  @Column('text', { nullable: true })
  until!: string | null;

  @Column('text', { name: 'set_at' })
  setAt!: string;
}
