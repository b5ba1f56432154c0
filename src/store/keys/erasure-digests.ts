/**
 * Keyed digests of erased IDs, by which later events about them are recognized. An attacker could find IDs in plain digests by trying
 * IDs; these digests use a secret of this database, which is encrypted with the master key.
 */

import { createHmac } from 'node:crypto';
import type { ProviderId } from '../../domain/level';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { loadSecret } from './encrypted-secret';

export interface ErasureDigests {
  /** Digest of an account at a provider. */
  subject(provider: ProviderId, ref: string): string;
  /** Digest of an external user ID. */
  externalUser(externalUserId: string): string;
  /** Digest of an external user ID in a token. Tokens issued before the erasure are rejected. */
  tokenHolder(externalUserId: string): string;
  /** Replacement for the provider's ID of an erased identity. Distinct for each erasure of the same account. */
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
