/** One authentic POST, kept byte for byte as ciphertext. */

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
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
  provider!: string;

  /**
   * Equal for repeats, and keyed; see `repeat-keys.ts`. Where the same may recur as news, the id follows, `…@12`: then
   * repeats only count in a row and inside a window.
   */
  @Column('text', { name: 'duplicate_key' })
  duplicateKey!: string;

  /** Repeats seen after the first. */
  @Column('integer')
  duplicates!: number;

  @Index('deliveries_by_receipt')
  @Column('text', { name: 'received_at' })
  receivedAt!: string;

  @Column('text')
  trust!: string;

  @Column('text')
  disposition!: string;

  /** Why it is quarantined: an error code. */
  @Column('text', { name: 'reason_code', nullable: true })
  reasonCode!: string | null;

  /** Why it is quarantined: what was expected and where. */
  @Column('text', { nullable: true })
  reason!: string | null;

  @Column('text', { name: 'event_type', nullable: true })
  eventType!: string | null;

  /** What followed `/webhooks/:provider` in the path, without secrets. */
  @Column('text')
  subpath!: string;

  @Index('deliveries_by_identity')
  @Column('integer', { name: 'identity_id', nullable: true })
  identityId!: number | null;

  @ManyToOne(() => IdentityEntity)
  @JoinColumn({ name: 'identity_id', foreignKeyConstraintName: 'deliveries_identity' })
  identity?: IdentityEntity | null;

  /** Ciphertext of the raw body. */
  @Column('blob')
  body!: Buffer;

  /** The master key of the body; `null` where it lies under the key of its identity. */
  @Column('text', { name: 'body_key_id', nullable: true })
  bodyKeyId!: string | null;
}
