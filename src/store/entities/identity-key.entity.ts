/** The key under which the personal data of an identity lies. Without its row, nobody can read that any more. */

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

  /** Wrapped by a master key. */
  @Column('blob', { name: 'data_key' })
  dataKey!: Buffer;

  /** Which master key wraps it. */
  @Column('text', { name: 'data_key_id' })
  dataKeyId!: string;
}
