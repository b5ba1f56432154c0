/** Encryption at rest: AES-256-GCM, one data key per identity, each wrapped by a master key of the configuration. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Seals and opens under one key. Sealed bytes are nonce (12), tag (16), ciphertext. */
export interface Cipher {
  /** @param purpose - Bound to the ciphertext: what is sealed as a body cannot be opened as a name. */
  seal(plain: Buffer, purpose: Purpose): Buffer;
  /** @throws if the bytes were changed, or sealed under another key or for another purpose. */
  open(sealed: Buffer, purpose: Purpose): Buffer;
}

const BYTES_OF = {
  'data-key': Buffer.from('data-key'),
  'delivery.body': Buffer.from('delivery.body'),
  'event.personal': Buffer.from('event.personal'),
  probe: Buffer.from('probe'),
};
export type Purpose = keyof typeof BYTES_OF;

export interface MasterKey {
  /** Stored with everything that the key encrypts. Up to 32 letters, digits, `-`, `_` and `.`. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export interface KeyRing {
  /** Encrypts what is new and belongs to no identity. */
  readonly current: { readonly id: string; readonly cipher: Cipher };
  /** Whether it holds this master key. */
  has(id: string): boolean;
  /** @throws if the ring lacks the master key. */
  master(id: string): Cipher;
  createDataKey(): WrappedKey & { readonly cipher: Cipher };
  /** @throws if the ring lacks the master key. */
  unwrap(wrapped: WrappedKey): Cipher;
}

export interface WrappedKey {
  readonly dataKey: Buffer;
  readonly dataKeyId: string;
}

/** The key of an identity, as a row tells of it: nothing where it was destroyed. */
export interface FoundKey {
  readonly dataKey: Buffer | null;
  readonly dataKeyId: string | null;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const RANDOM_STOCK_BYTES = 4096;

/** @param keys - The first encrypts, all decrypt. */
export function createKeyRing(keys: readonly [MasterKey, ...MasterKey[]]): KeyRing {
  const random = createRandom();
  const ciphers = new Map(keys.map(({ id, key }) => [id, createCipher(key, random)]));
  const current = { id: keys[0].id, cipher: createCipher(keys[0].key, random) };
  return {
    current,
    has: (id) => ciphers.has(id),
    master,

    createDataKey() {
      const key = random(KEY_BYTES);
      const dataKey = current.cipher.seal(key, 'data-key');
      return { dataKey, dataKeyId: current.id, cipher: createCipher(key, random) };
    },

    unwrap: ({ dataKey, dataKeyId }) =>
      createCipher(master(dataKeyId).open(dataKey, 'data-key'), random),
  };

  function master(id: string): Cipher {
    const cipher = ciphers.get(id);
    if (cipher === undefined) throw new Error(`DATA_KEYS lacks the key with id ${id}`);
    return cipher;
  }
}

/** @returns `undefined` where the key was destroyed. @throws if the ring lacks the master key. */
export function unwrapKey(keyRing: KeyRing, { dataKey, dataKeyId }: FoundKey): Cipher | undefined {
  if (dataKey === null || dataKeyId === null) return undefined;
  return keyRing.unwrap({ dataKey, dataKeyId });
}

type Random = (size: number) => Buffer;

/** Asks the system for many bytes at a time, since asking takes longer than making them, and gives out each once. */
function createRandom(): Random {
  let left = Buffer.alloc(0);
  return (size) => {
    if (left.length < size) left = randomBytes(RANDOM_STOCK_BYTES);
    const given = left.subarray(0, size);
    left = left.subarray(size);
    return given;
  };
}

function createCipher(key: Buffer, random: Random): Cipher {
  return {
    seal(plain, purpose) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(BYTES_OF[purpose]);
      const ciphertext = cipher.update(plain);
      const rest = cipher.final();
      return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext, rest]);
    },

    open(sealed, purpose) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(BYTES_OF[purpose]);
      decipher.setAuthTag(tag);
      return Buffer.concat([
        decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)),
        decipher.final(),
      ]);
    },
  };
}
