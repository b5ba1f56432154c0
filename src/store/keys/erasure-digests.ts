/**
 * Keyed digests by which those who were erased are known when a vendor speaks of them again. An id can be guessed and tried
 * against a plain digest; against these only with the secret of this database, which lies under the master key.
 */

import { createHmac } from 'node:crypto';
import type { ProviderId } from '../../domain/level';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { loadSecret } from './encrypted-secret';

export interface ErasureDigests {
  /** Of an account at a vendor. */
  subject(provider: ProviderId, ref: string): string;
  /** Of our customer's id of a user. */
  externalUser(externalUserId: string): string;
  /** Of the same id, where a token bears it: whoever shows one from before the erasure is let in no more. */
  tokenHolder(externalUserId: string): string;
  /** What stands in the place of the vendor's id; distinct for each time that the same account is erased. */
  placeholder(identityId: number, provider: ProviderId, ref: string): string;
}

export async function loadErasureDigests(
  connection: Connection,
  keyRing: KeyRing,
): Promise<ErasureDigests> {
  const secret = await loadSecret(connection, keyRing, 'erasure_secret');
  const digest = (...parts: readonly (string | number)[]) =>
    createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url');
  return {
    subject: (provider, ref) => digest('subject', provider, ref),
    externalUser: (externalUserId) => digest('user', externalUserId),
    tokenHolder: (externalUserId) => digest('token', externalUserId),
    placeholder: (identityId, ...subject) => `erased:${digest('place', identityId, ...subject)}`,
  };
}
