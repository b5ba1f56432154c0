/** When the vendor's API was last asked about an identity, whatever it answered. */

import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { IdentityEntity } from './identity.entity';

@Entity('status_asks')
export class StatusAskEntity {
  @PrimaryColumn('integer', { name: 'identity_id' })
  identityId!: number;

  @OneToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'status_asks_identity' })
  identity?: IdentityEntity;

  @Column('text', { name: 'asked_at' })
  askedAt!: string;
}
