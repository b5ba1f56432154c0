/** `REDIS_URL`: the wake-up channel between instances. */

import type { EnvironmentReader } from './environment';

const FORMAT = '`redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS';

/** Returns the URL, or null if it is unset. The URL may contain a password. */
export function readRedisUrl(reader: EnvironmentReader): string | null {
  const value = reader.text('REDIS_URL');
  if (value === undefined) return null;
  if (!isValid(value)) reader.fault('REDIS_URL', FORMAT);
  return value;
}

/** Rejects every URL part that the Redis client ignores or cannot parse. */
function isValid(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
  return (
    (protocol === 'redis:' || protocol === 'rediss:') &&
    hostname !== '' &&
    /^(\/\d{0,4})?$/.test(pathname) &&
    search === '' &&
    hash === '' &&
    isEncoded(username) &&
    isEncoded(password)
  );
}

/** Whether the text is valid percent-encoding. The password `100%` must be written `100%25`. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
