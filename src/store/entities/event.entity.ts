/** One thing that a delivery says about one identity. */

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
import { IdentityEntity } from './identity.entity';

@Entity('events')
@Unique('events_key', ['identityId', 'key'])
export class EventEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  /** Provider, digest of what the delivery says in the clear, its duplicate key, and the place in it. */
  @Column('text')
  key!: string;

  @Index('events_by_delivery')
  @Column('integer', { name: 'delivery_id' })
  deliveryId!: number;

  @ManyToOne(() => DeliveryEntity, { nullable: false })
  @JoinColumn({ name: 'delivery_id', foreignKeyConstraintName: 'events_delivery' })
  delivery?: DeliveryEntity;

  @Column('integer', { name: 'identity_id' })
  identityId!: number;

  @ManyToOne(() => IdentityEntity, { nullable: false })
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'events_identity' })
  identity?: IdentityEntity;

  @Column('text', { name: 'received_at' })
  receivedAt!: string;

  @Column('text')
  trust!: string;

  /** JSON of the `VerificationEvent`, without what is personal. */
  @Column('simple-json')
  body!: object;

  /** Ciphertext, under the identity's key, of the JSON of what is personal. */
  @Column('blob', { nullable: true })
  personal!: Buffer | null;
}
