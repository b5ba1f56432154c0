/** What the database must remember about itself: the id and the floor of its log, and the rules its state was made by. */

import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('settings')
export class SettingEntity {
  @PrimaryColumn('text')
  name!: string;

  @Column('text')
  value!: string;
}
