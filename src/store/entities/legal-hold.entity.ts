/** Why a user must not be erased yet, by an operator's word. */

import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { UserEntity } from './user.entity';

@Entity('legal_holds')
export class LegalHoldEntity {
  /** It holds for the user that this one went into as well. */
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @OneToOne(() => UserEntity, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'legal_holds_user' })
  user?: UserEntity;

  @Column('text')
  basis!: string;

  /** `null`: until it is released. */
  @Column('text', { nullable: true })
  until!: string | null;

  @Column('text', { name: 'set_at' })
  setAt!: string;
}
