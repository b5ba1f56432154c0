import { createKeyRing } from '../../src/encryption/key-ring';

describe('the key ring', () => {
  const ring = createKeyRing([{ id: 'k1', key: Buffer.alloc(32, 7) }]);
  const plain = Buffer.from('the body of a message');

  it('opens what it sealed, and nothing that was changed or is meant for something else', () => {
    const { cipher } = ring.current;
    const sealed = cipher.seal(plain, 'delivery.body');
    expect(cipher.open(sealed, 'delivery.body')).toEqual(plain);
    expect(() => cipher.open(sealed, 'event.personal')).toThrow();
    sealed.writeUInt8(sealed.readUInt8(40) ^ 1, 40);
    expect(() => cipher.open(sealed, 'delivery.body')).toThrow();
  });

  it('never uses a nonce or a data key again', () => {
    const keys = Array.from({ length: 2_000 }, () => ring.createDataKey());
    const nonces = keys.map(({ cipher }) => cipher.seal(plain, 'delivery.body').subarray(0, 12));
    const wrappings = keys.map(({ dataKey }) => dataKey.subarray(0, 12));
    const all = new Set([...nonces, ...wrappings].map((nonce) => nonce.toString('hex')));
    expect(all.size).toBe(4_000);
    for (const [index, key] of keys.entries()) {
      const other = keys[index - 1]?.cipher ?? ring.current.cipher;
      const sealed = key.cipher.seal(plain, 'delivery.body');
      expect(ring.unwrap(key).open(sealed, 'delivery.body')).toEqual(plain);
      expect(() => other.open(sealed, 'delivery.body')).toThrow();
    }
  });
});
