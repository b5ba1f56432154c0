/** That somebody was erased, by a keyed digest of a vendor's or our customer's id of them; see `pseudonyms.ts`. */

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('erased_subjects')
export class ErasedSubjectEntity {
  @PrimaryColumn('text')
  digest!: string;

  /** The last time. */
  @Index('erased_subjects_by_time')
  @Column('text', { name: 'erased_at' })
  erasedAt!: string;
}
