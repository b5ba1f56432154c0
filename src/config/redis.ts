/** `REDIS_URL`: over which several instances wake each other. */

import type { EnvironmentReader } from './environment';

const SOUND = '`redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS';

/** The URL as it was given, or `null` if it is unset; it may hold a password, so a fault does not show it. */
export function readRedisUrl(reader: EnvironmentReader): string | null {
  const given = reader.text('REDIS_URL');
  if (given === undefined) return null;
  if (!isSound(given)) reader.fault('REDIS_URL', SOUND);
  return given;
}

/** Whatever the client would not understand, or would leave out without a word, is refused. */
function isSound(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(given);
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

/** Such as the password `100%`, in which the sign has to be written `%25`. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
