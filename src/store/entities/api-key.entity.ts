/** A key that lets a program in. Only its hash is kept. */

import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

@Entity('api_keys')
@Unique('api_keys_hash', ['hash'])
@Unique('api_keys_prefix', ['prefix'])
export class ApiKeyEntity {
  @PrimaryGeneratedColumn({ type: 'integer' })
  id!: number;

  @Column('text')
  name!: string;

  /** The public part of the key, to name it by. */
  @Column('text')
  prefix!: string;

  /** SHA-256 of the whole key, hex. */
  @Column('text')
  hash!: string;

  @Column('simple-json')
  scopes!: readonly string[];

  @Column('text', { name: 'created_at' })
  createdAt!: string;

  @Column('text', { name: 'revoked_at', nullable: true })
  revokedAt!: string | null;
}
