import { createKeyRing } from '../../src/encryption/key-ring';

describe('the key ring', () => {
  const ring = createKeyRing([{ id: 'k1', key: Buffer.alloc(32, 7) }]);
  const plain = Buffer.from('the body of a delivery');

  it('decrypts its own ciphertext, and nothing modified or encrypted for another purpose', () => {
    const { cipher } = ring.current;
    const encrypted = cipher.encrypt(plain, 'delivery.body');
    expect(cipher.decrypt(encrypted, 'delivery.body')).toEqual(plain);
    expect(() => cipher.decrypt(encrypted, 'event.personal')).toThrow();
    encrypted.writeUInt8(encrypted.readUInt8(40) ^ 1, 40);
    expect(() => cipher.decrypt(encrypted, 'delivery.body')).toThrow();
  });

  it('never reuses a nonce or a data key', () => {
    const keys = Array.from({ length: 2_000 }, () => ring.createDataKey());
    const nonces = keys.map(({ cipher }) => cipher.encrypt(plain, 'delivery.body').subarray(0, 12));
    const wrappings = keys.map(({ dataKey }) => dataKey.subarray(0, 12));
    const all = new Set([...nonces, ...wrappings].map((nonce) => nonce.toString('hex')));
    expect(all.size).toBe(4_000);
    for (const [index, key] of keys.entries()) {
      const other = keys[index - 1]?.cipher ?? ring.current.cipher;
      const encrypted = key.cipher.encrypt(plain, 'delivery.body');
      expect(ring.unwrap(key).decrypt(encrypted, 'delivery.body')).toEqual(plain);
      expect(() => other.decrypt(encrypted, 'delivery.body')).toThrow();
    }
  });
});
