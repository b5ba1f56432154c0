/** One entry of the audit log. Triggers refuse to change or delete one; see `audit-chain.ts` for what the hashes prove. */

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('audit_entries')
@Index('audit_entries_by_time', ['at', 'seq'])
@Index('audit_entries_by_action', ['action', 'at', 'seq'])
@Index('audit_entries_by_actor', ['actor', 'at', 'seq'])
@Index('audit_entries_by_subject', ['subject', 'at', 'seq'])
export class AuditEntryEntity {
  /** 1, 2, 3 …, without a gap. */
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

  /** JSON, as text: the hash is over these very characters. */
  @Column('text')
  details!: string;

  /** Hash of the entry before it. */
  @Column('text')
  previous!: string;

  @Column('text')
  hash!: string;
}
