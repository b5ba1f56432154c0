/** Encryption at rest: AES-256-GCM with one data key per identity. A configured master key wraps each data key. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Encrypts and decrypts with one key. Encrypted bytes are the nonce (12), the tag (16) and the ciphertext. */
export interface Cipher {
  /** @param purpose - Bound to the ciphertext: a body cannot be decrypted as an event. */
  encrypt(plain: Buffer, purpose: Purpose): Buffer;
  /** @throws {Error} If the bytes were modified or encrypted with another key or for another purpose. */
  decrypt(encrypted: Buffer, purpose: Purpose): Buffer;
}

const PURPOSE_BYTES = {
  'data-key': Buffer.from('data-key'),
  'delivery.body': Buffer.from('delivery.body'),
  'event.personal': Buffer.from('event.personal'),
  probe: Buffer.from('probe'),
};
export type Purpose = keyof typeof PURPOSE_BYTES;

export interface MasterKey {
  /** Stored with everything that the key encrypts. Up to 32 letters, digits, `-`, `_` and `.`. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export interface KeyRing {
  /** Master key that encrypts new data without an identity. */
  readonly current: { readonly id: string; readonly cipher: Cipher };
  /** Whether the ring contains the master key. */
  has(id: string): boolean;
  /** Returns the cipher of a master key. @throws {Error} If the master key is missing. */
  getCipher(id: string): Cipher;
  createDataKey(): WrappedKey & { readonly cipher: Cipher };
  /** Returns the cipher of a data key. @throws {Error} If the master key is missing. */
  unwrap(wrapped: WrappedKey): Cipher;
}

export interface WrappedKey {
  readonly dataKey: Buffer;
  readonly dataKeyId: string;
}

/** The data key of an identity as stored. `null` after its destruction. */
export interface StoredKey {
  readonly dataKey: Buffer | null;
  readonly dataKeyId: string | null;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const RANDOM_STOCK_BYTES = 4096;

/** @param keys - The first one encrypts. All decrypt. */
export function createKeyRing(keys: readonly [MasterKey, ...MasterKey[]]): KeyRing {
  const random = createRandom();
  const ciphers = new Map(keys.map(({ id, key }) => [id, createCipher(key, random)]));
  const current = { id: keys[0].id, cipher: createCipher(keys[0].key, random) };
  return {
    current,
    has: (id) => ciphers.has(id),
    getCipher,

    createDataKey() {
      const key = random(KEY_BYTES);
      const dataKey = current.cipher.encrypt(key, 'data-key');
      return { dataKey, dataKeyId: current.id, cipher: createCipher(key, random) };
    },

    unwrap: ({ dataKey, dataKeyId }) =>
      createCipher(getCipher(dataKeyId).decrypt(dataKey, 'data-key'), random),
  };

  function getCipher(id: string): Cipher {
    const cipher = ciphers.get(id);
    if (cipher !== undefined) return cipher;
    const problem = `key "${id}" is missing but still encrypts data in this database`;
    throw new Error(`DATA_KEYS: ${problem}. Add it back.`);
  }
}

/** Returns `undefined` if the data key was destroyed. @throws {Error} If the master key is missing. */
export function unwrapKey(keyRing: KeyRing, { dataKey, dataKeyId }: StoredKey): Cipher | undefined {
  if (dataKey === null || dataKeyId === null) return undefined;
  return keyRing.unwrap({ dataKey, dataKeyId });
}

type Random = (size: number) => Buffer;

/** Requests many bytes at a time, because a system call costs more than the bytes. Returns each byte once. */
function createRandom(): Random {
  let stock = Buffer.alloc(0);
  return (size) => {
    if (stock.length < size) stock = randomBytes(RANDOM_STOCK_BYTES);
    const bytes = stock.subarray(0, size);
    stock = stock.subarray(size);
    return bytes;
  };
}

function createCipher(key: Buffer, random: Random): Cipher {
  return {
    encrypt(plain, purpose) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(PURPOSE_BYTES[purpose]);
      const ciphertext = cipher.update(plain);
      const rest = cipher.final();
      return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext, rest]);
    },

    decrypt(encrypted, purpose) {
      const nonce = encrypted.subarray(0, NONCE_BYTES);
      const tag = encrypted.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(PURPOSE_BYTES[purpose]);
      decipher.setAuthTag(tag);
      return Buffer.concat([
        decipher.update(encrypted.subarray(NONCE_BYTES + TAG_BYTES)),
        decipher.final(),
      ]);
    },
  };
}
