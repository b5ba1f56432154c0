/** What one delivery says of a reusable credential that a vendor issued to a holder; the latest such word holds. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import { DeliveryEntity } from './delivery.entity';

@Entity('credentials')
@Unique('credentials_delivery_ref', ['deliveryId', 'credentialRef'])
@Index('credentials_by_ref', ['provider', 'credentialRef'])
@Index('credentials_by_holder', ['provider', 'holderRef'])
export class CredentialEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('text')
  provider!: string;

  /** The vendor's id of the holder: a user's, once an identity with this reference is linked. */
  @Column('text', { name: 'holder_ref' })
  holderRef!: string;

  @Column('text', { name: 'credential_ref' })
  credentialRef!: string;

  @Column('text', { name: 'issued_at' })
  issuedAt!: string;

  @Column('integer', { name: 'delivery_id' })
  deliveryId!: number;

  @ManyToOne(() => DeliveryEntity, { nullable: false })
  @JoinColumn({ name: 'delivery_id', foreignKeyConstraintName: 'credentials_delivery' })
  delivery?: DeliveryEntity;
}
