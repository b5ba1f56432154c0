/** One delivery's statement about a reusable credential. The latest statement about a credential applies. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import type { Instant } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import { DeliveryEntity } from './delivery.entity';

@Entity('credentials')
@Unique('credentials_delivery_ref', ['deliveryId', 'credentialRef'])
@Index('credentials_by_ref', ['provider', 'credentialRef'])
@Index('credentials_by_holder', ['provider', 'holderRef'])
export class CredentialEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('text')
  provider!: ProviderId;

  /** The provider's ID of the holder: an identity may have the same reference. */
  @Column('text', { name: 'holder_ref' })
  holderRef!: string;

  @Column('text', { name: 'credential_ref' })
  credentialRef!: string;

  @Column('text', { name: 'issued_at' })
  issuedAt!: Instant;

  @Column('integer', { name: 'delivery_id' })
  deliveryId!: number;

  @ManyToOne(() => DeliveryEntity, { nullable: false })
  @JoinColumn({ name: 'delivery_id', foreignKeyConstraintName: 'credentials_delivery' })
  delivery?: DeliveryEntity;
}
