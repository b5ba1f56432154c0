/** A tombstone: keyed digest of an erased subject reference or external user ID. See `erasure-digests.ts`. */

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('erased_subjects')
export class ErasedSubjectEntity {
  @PrimaryColumn('text')
  digest!: string;

  /** Time of the latest erasure. */
  @Index('erased_subjects_by_time')
  @Column('text', { name: 'erased_at' })
  erasedAt!: string;
}
