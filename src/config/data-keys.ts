/** `DATA_KEYS`: the master keys that personal data is encrypted under. */

import type { MasterKey } from '../encryption/key-ring';
import type { EnvironmentReader } from './environment';

const NAME = 'DATA_KEYS';
const KEY_BYTES = 32;
const FORMAT = /^([\w.-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/;

/** `id:base64-of-32-bytes,…` in the order given; `null`, with a fault, unless every one of them is sound. */
export function readDataKeys(
  reader: EnvironmentReader,
): readonly [MasterKey, ...MasterKey[]] | null {
  const keys = reader.list(NAME).map(readKey);
  const [first, ...others] = keys.filter((key) => key !== undefined);

  if (first === undefined || keys.includes(undefined)) {
    reader.fault(NAME, '`id:base64`, the key 32 random bytes, several separated by commas');
    return null;
  }
  if (new Set([first, ...others].map(({ id }) => id)).size < keys.length) {
    reader.fault(NAME, 'a different id for each key');
    return null;
  }
  return [first, ...others];
}

function readKey(part: string): MasterKey | undefined {
  const [, id, base64] = FORMAT.exec(part) ?? [];
  if (id === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length === KEY_BYTES ? { id, key } : undefined;
}
