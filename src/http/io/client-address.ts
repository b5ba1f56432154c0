/** Where a request comes from, as far as that can be known. */

import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';

/** Stands for whatever a proxy names that is no address. */
const NO_ADDRESS = 'unknown';

/**
 * @param trustedProxies - How many proxies stand before us, each adding to `X-Forwarded-For` whom it was called by. What is
 *   further left in that header was sent by anybody, and is not read.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const peer = request.socket.remoteAddress ?? '';
  if (trustedProxies === 0) return plain(peer);
  const named = (request.headersDistinct['x-forwarded-for'] ?? [])
    .join(',')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return plain(named.at(-trustedProxies) ?? peer);
}

/**
 * Whom limits count as one: an IPv4 address, or the /64 of an IPv6 address, within which one host has as many addresses as
 * it likes.
 */
export function toNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  const groups = [...first, ...zeros, ...last].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

/** Without the port that some proxies add. An IPv4 address in the dress of an IPv6 one is an IPv4 address. */
function plain(text: string): string {
  const address = text
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? NO_ADDRESS : address.toLowerCase();
}
