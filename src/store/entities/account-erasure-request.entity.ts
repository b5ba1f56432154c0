/** An erasure of one account that was asked for and has to wait, while the other accounts of its user stay. */

import { Column, Entity, Index, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { IdentityEntity } from './identity.entity';

@Entity('account_erasure_requests')
export class AccountErasureRequestEntity {
  @PrimaryColumn('integer', { name: 'identity_id' })
  identityId!: number;

  @OneToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({
    name: 'identity_id',
    foreignKeyConstraintName: 'account_erasure_requests_identity',
  })
  identity?: IdentityEntity;

  @Column('text', { name: 'requested_at' })
  requestedAt!: string;

  @Column('text', { nullable: true })
  reason!: string | null;

  /** When to look again; `null`: once the hold is released. */
  @Index('account_erasure_requests_by_due')
  @Column('text', { name: 'due_at', nullable: true })
  dueAt!: string | null;
}
