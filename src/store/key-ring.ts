/** Encryption at rest: AES-256-GCM, one data key per identity, each wrapped by a master key of the configuration. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Seals and opens under one key. Sealed bytes are nonce (12), tag (16), ciphertext. */
export interface Cipher {
  /** @param purpose - Bound to the ciphertext: what is sealed as a body cannot be opened as a name. */
  seal(plain: Buffer, purpose: Purpose): Buffer;
  /** @throws if the bytes were changed, or sealed under another key or for another purpose. */
  open(sealed: Buffer, purpose: Purpose): Buffer;
}

export type Purpose = 'data-key' | 'delivery.body' | 'event.personal' | 'probe';

export interface MasterKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export interface KeyRing {
  /** Encrypts what is new and belongs to no identity. */
  readonly current: { readonly id: string; readonly cipher: Cipher };
  /** `undefined` if the ring lacks this key. */
  master(id: string): Cipher | undefined;
  createDataKey(): WrappedKey & { readonly cipher: Cipher };
  /** @throws if the ring lacks the master key. */
  unwrap(wrapped: WrappedKey): Cipher;
}

export interface WrappedKey {
  readonly dataKey: Buffer;
  readonly dataKeyId: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** @param keys - The first encrypts, all decrypt. */
export function createKeyRing(keys: readonly [MasterKey, ...MasterKey[]]): KeyRing {
  const ciphers = new Map(keys.map(({ id, key }) => [id, createCipher(key)]));
  const current = { id: keys[0].id, cipher: createCipher(keys[0].key) };
  return {
    current,
    master: (id) => ciphers.get(id),

    createDataKey() {
      const key = randomBytes(KEY_BYTES);
      const dataKey = current.cipher.seal(key, 'data-key');
      return { dataKey, dataKeyId: current.id, cipher: createCipher(key) };
    },

    unwrap({ dataKey, dataKeyId }) {
      const master = ciphers.get(dataKeyId);
      if (master === undefined) throw new Error(`DATA_KEYS lacks the key with id ${dataKeyId}`);
      return createCipher(master.open(dataKey, 'data-key'));
    },
  };
}

function createCipher(key: Buffer): Cipher {
  return {
    seal(plain, purpose) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },

    open(sealed, purpose) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      decipher.setAuthTag(tag);
      return Buffer.concat([
        decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)),
        decipher.final(),
      ]);
    },
  };
}
