/** A normalized statement of a delivery about one identity. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import type { VerificationEvent } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { Trust } from '../../domain/status';
import { DeliveryEntity } from './delivery.entity';
import { IdentityEntity } from './identity.entity';

@Entity('events')
@Unique('events_key', ['identityId', 'key'])
export class EventEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  /** Provider, digest of the plaintext fields, duplicate key of the delivery, and position in the delivery. */
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
  receivedAt!: Instant;

  @Column('text')
  trust!: Trust;

  /** Event without personal data. */
  @Column('simple-json')
  body!: VerificationEvent;

  /** Personal data as JSON, encrypted with the data key of the identity. */
  @Column('blob', { nullable: true })
  personal!: Buffer | null;
}
