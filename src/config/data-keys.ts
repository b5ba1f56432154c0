/** `DATA_KEYS`: the master keys that encrypt personal data. */

import type { MasterKey } from '../encryption/key-ring';
import type { EnvironmentReader } from './environment';

const NAME = 'DATA_KEYS';
const KEY_BYTES = 32;
const FORMAT = /^([\w.-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/;

/** Reads `id:base64-of-32-bytes,…` in the given order. Returns null, with a fault, unless every key is valid. */
export function readDataKeys(
  reader: EnvironmentReader,
): readonly [MasterKey, ...MasterKey[]] | null {
  const keys = reader.list(NAME).map(readKey);
  const [first, ...rest] = keys.filter((key) => key !== undefined);

  if (first === undefined || keys.includes(undefined)) {
    reader.fault(NAME, 'a comma-separated list of `id:base64`, where each key is 32 random bytes');
    return null;
  }
  if (new Set([first, ...rest].map(({ id }) => id)).size < keys.length) {
    reader.fault(NAME, 'a list in which each key has a different ID');
    return null;
  }
  return [first, ...rest];
}

function readKey(part: string): MasterKey | undefined {
  const [, id, base64] = FORMAT.exec(part) ?? [];
  if (id === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length === KEY_BYTES ? { id, key } : undefined;
}
