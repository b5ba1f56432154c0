/** Data key that encrypts the personal data of an identity. Deleting the row makes that data unreadable. */

import { Column, Entity, Index, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { IdentityEntity } from './identity.entity';

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
