/** A verification level at a provider. */

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LevelKey, LevelKind, ProviderId } from '../../domain/level';

@Entity('levels')
export class LevelEntity {
  /** `provider/name`. */
  @PrimaryColumn('text')
  key!: LevelKey;

  @Column('text')
  provider!: ProviderId;

  @Column('text')
  name!: string;

  @Column('text')
  kind!: LevelKind;
}
