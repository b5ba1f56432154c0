/** Raw bodies at rest. */

import type { KeyRing } from './key-ring';

export interface SealedBody {
  readonly body: Buffer;
  /** The master key of the body; `null` where it lies under the key of its identity. */
  readonly bodyKeyId: string | null;
  readonly dataKey: Buffer | null;
  readonly dataKeyId: string | null;
}

/** A body that concerns an identity dies with that identity's key; any other is under the master key. */
export function sealBody(
  rawBody: Buffer,
  identity: { readonly cipher: () => ReturnType<KeyRing['unwrap']> } | null,
  keyRing: KeyRing,
): Pick<SealedBody, 'body' | 'bodyKeyId'> {
  const cipher = identity?.cipher() ?? keyRing.current.cipher;
  return {
    body: cipher.seal(rawBody, 'delivery.body'),
    bodyKeyId: identity === null ? keyRing.current.id : null,
  };
}

/** @throws if the ring lacks the key. */
export function openBody(sealed: SealedBody, keyRing: KeyRing): Buffer {
  const { body, bodyKeyId, dataKey, dataKeyId } = sealed;
  if (bodyKeyId === null && dataKey !== null && dataKeyId !== null) {
    return keyRing.unwrap({ dataKey, dataKeyId }).open(body, 'delivery.body');
  }
  const master = keyRing.master(bodyKeyId ?? '');
  if (master === undefined) throw new Error(`DATA_KEYS lacks the key with id ${bodyKeyId}`);
  return master.open(body, 'delivery.body');
}
