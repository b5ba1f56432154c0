/** When the vendor's API was last asked about an identity or about one action of it, whatever it answered. */

import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { IdentityEntity } from './identity.entity';

@Entity('status_asks')
export class StatusCheckEntity {
  @PrimaryColumn('integer', { name: 'identity_id' })
  identityId!: number;

  /** ID of the attempt; 0 for the account. */
  @PrimaryColumn('integer', { name: 'action_id' })
  actionId!: number;

  @ManyToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'status_asks_identity' })
  identity?: IdentityEntity;

  @Column('text', { name: 'asked_at' })
  askedAt!: string;
}
