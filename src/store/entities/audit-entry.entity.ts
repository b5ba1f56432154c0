/** An entry of the audit log. Triggers reject updates and deletes. See `audit/chain.ts` for the guarantees of the hashes. */

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('audit_entries')
@Index('audit_entries_by_time', ['at', 'seq'])
@Index('audit_entries_by_action', ['action', 'at', 'seq'])
@Index('audit_entries_by_actor', ['actor', 'at', 'seq'])
@Index('audit_entries_by_subject', ['subject', 'at', 'seq'])
export class AuditEntryEntity {
  /** Position: 1, 2, 3 …, without gaps. */
  @PrimaryColumn('integer')
  seq!: number;

  @Column('text')
  at!: string;

  @Column('text')
  action!: string;

  @Column('text')
  actor!: string;

  @Column('text', { nullable: true })
  subject!: string | null;

  @Column('text', { nullable: true })
  reason!: string | null;

  /** JSON, stored as text because the hash covers the exact characters. */
  @Column('text')
  details!: string;

  /** Hash of the previous entry. */
  @Column('text')
  previous!: string;

  @Column('text')
  hash!: string;
}
