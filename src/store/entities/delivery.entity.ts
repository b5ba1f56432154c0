/** One authentic webhook request or status response. The body is stored byte for byte, encrypted. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import type { ProviderId } from '../../domain/level';
import type { Disposition, Trust } from '../../domain/status';
import { IdentityEntity } from './identity.entity';

@Entity('deliveries')
@Unique('deliveries_key', ['provider', 'duplicateKey'])
@Index('deliveries_by_disposition', ['disposition', 'receivedAt'])
@Index('deliveries_by_provider', ['provider', 'receivedAt'])
@Index('deliveries_by_master', ['bodyKeyId', 'id'], { where: 'body_key_id IS NOT NULL' })
@Index('deliveries_recurring', ['provider', 'id'], { where: "instr(duplicate_key, '@') > 0" })
@Index('deliveries_quarantined', ['provider', 'id'], { where: "disposition = 'QUARANTINED'" })
export class DeliveryEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('text')
  provider!: ProviderId;

  /**
   * Keyed digest, equal for duplicates; see `dedup-digests.ts`. If identical bytes may be a new event, the ID follows
   * (`…@12`): then only consecutive deliveries within a time window are duplicates.
   */
  @Column('text', { name: 'duplicate_key' })
  duplicateKey!: string;

  /** Number of duplicates received after this delivery. */
  @Column('integer')
  duplicates!: number;

  @Index('deliveries_by_receipt')
  @Column('text', { name: 'received_at' })
  receivedAt!: string;

  @Column('text')
  trust!: Trust;

  @Column('text')
  disposition!: Disposition;

  /** Error code of the quarantine. */
  @Column('text', { name: 'reason_code', nullable: true })
  reasonCode!: string | null;

  /** Message of the quarantine, without received values. */
  @Column('text', { nullable: true })
  reason!: string | null;

  @Column('text', { name: 'event_type', nullable: true })
  eventType!: string | null;

  /** Path after `/webhooks/:provider`, without secrets. */
  @Column('text')
  subpath!: string;

  @Index('deliveries_by_identity')
  @Column('integer', { name: 'identity_id', nullable: true })
  identityId!: number | null;

  @ManyToOne(() => IdentityEntity)
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'deliveries_identity' })
  identity?: IdentityEntity | null;

  /** Ciphertext of the raw body. Empty once the body is purged. */
  @Column('blob')
  body!: Buffer;

  /** Master key that encrypts the body. `null` if the data key of the identity encrypts it. */
  @Column('text', { name: 'body_key_id', nullable: true })
  bodyKeyId!: string | null;
}
