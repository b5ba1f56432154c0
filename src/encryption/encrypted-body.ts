/** Raw bodies at rest. */

import { type FoundKey, type KeyRing, unwrapKey } from './key-ring';

export interface EncryptedBody extends FoundKey {
  readonly body: Buffer;
  /** The master key of the body; `null` where it lies under the key of its identity. */
  readonly bodyKeyId: string | null;
}

/** What is left of a delivery whose bytes are not kept. */
export const NO_BODY = { identityId: null, body: Buffer.alloc(0), bodyKeyId: null } as const;

/** What makes a `SealedBody` of deliveries, as `d`, and the keys of their identities, as `k`. */
export const ENCRYPTED_BODY =
  'd.body, d.body_key_id AS "bodyKeyId", k.data_key AS "dataKey", k.data_key_id AS "dataKeyId"';
export const BODY_KEYS = 'LEFT JOIN identity_keys k ON k.identity_id = d.identity_id';

/** A body that concerns an identity dies with that identity's key; any other is under the master key. */
export function encryptBody(
  rawBody: Buffer,
  identity: { readonly cipher: () => ReturnType<KeyRing['unwrap']> } | null,
  keyRing: KeyRing,
): Pick<EncryptedBody, 'body' | 'bodyKeyId'> {
  const cipher = identity?.cipher() ?? keyRing.current.cipher;
  return {
    body: cipher.seal(rawBody, 'delivery.body'),
    bodyKeyId: identity === null ? keyRing.current.id : null,
  };
}

/** @returns `null` where its bytes were dropped or its key was destroyed. @throws if the ring lacks the master key. */
export function decryptBody(sealed: EncryptedBody, keyRing: KeyRing): Buffer | null {
  const { body, bodyKeyId } = sealed;
  if (body.length === 0) return null;
  if (bodyKeyId === null) return unwrapKey(keyRing, sealed)?.open(body, 'delivery.body') ?? null;
  return keyRing.master(bodyKeyId).open(body, 'delivery.body');
}
