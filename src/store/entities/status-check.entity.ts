/** Time of the last status check of an identity, or of one of its actions, regardless of the result. */

import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { IdentityEntity } from './identity.entity';

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
