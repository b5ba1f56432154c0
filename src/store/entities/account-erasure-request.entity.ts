/** A pending erasure of one identity. The other identities of its user stay. */

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

  /** Time of the next attempt. `null`: after the legal hold is released. */
  @Index('account_erasure_requests_by_due')
  @Column('text', { name: 'due_at', nullable: true })
  dueAt!: string | null;
}
