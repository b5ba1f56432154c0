/** Encryption of raw bodies at rest. */

import { type KeyRing, type StoredKey, unwrapKey } from './key-ring';

export interface EncryptedBody extends StoredKey {
  readonly body: Buffer;
  /** ID of the master key. `null` if the body is encrypted with the data key of its identity. */
  readonly bodyKeyId: string | null;
}

/** Body fields of a delivery without a stored body. */
export const NO_BODY = { identityId: null, body: Buffer.alloc(0), bodyKeyId: null } as const;

/**
 * Encrypts with the data key of the identity. The body becomes unreadable when that key is destroyed. Without an identity, uses the
 * master key.
 */
export function encryptBody(
  rawBody: Buffer,
  identity: { readonly cipher: () => ReturnType<KeyRing['unwrap']> } | null,
  keyRing: KeyRing,
): Pick<EncryptedBody, 'body' | 'bodyKeyId'> {
  const cipher = identity?.cipher() ?? keyRing.current.cipher;
  return {
    body: cipher.encrypt(rawBody, 'delivery.body'),
    bodyKeyId: identity === null ? keyRing.current.id : null,
  };
}

/** Returns `null` if the body was purged or its key was destroyed. @throws {Error} If the master key is missing. */
export function decryptBody(encrypted: EncryptedBody, keyRing: KeyRing): Buffer | null {
  const { body, bodyKeyId } = encrypted;
  if (body.length === 0) return null;
  if (bodyKeyId === null) {
    return unwrapKey(keyRing, encrypted)?.decrypt(body, 'delivery.body') ?? null;
  }
  return keyRing.getCipher(bodyKeyId).decrypt(body, 'delivery.body');
}
