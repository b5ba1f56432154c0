/** An API key. Only the hash of the key is stored. */

import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

@Entity('api_keys')
@Unique('api_keys_hash', ['hash'])
@Unique('api_keys_prefix', ['prefix'])
export class ApiKeyEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('text')
  name!: string;

  /** Public part of the key, for display. */
  @Column('text')
  prefix!: string;

  /** SHA-256 of the whole key, in hexadecimal. */
  @Column('text')
  hash!: string;

  @Column('simple-json')
  scopes!: readonly string[];

  @Column('text', { name: 'created_at' })
  createdAt!: string;

  @Column('text', { name: 'revoked_at', nullable: true })
  revokedAt!: string | null;
}
