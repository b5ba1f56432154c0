/** What is verified: a provider and a name. */

import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('levels')
export class LevelEntity {
  /** `provider/name`. */
  @PrimaryColumn('text')
  key!: string;

  @Column('text')
  provider!: string;

  @Column('text')
  name!: string;

  @Column('text')
  kind!: string;
}
