/** Address of the client of a request, and the network by which limits count it. */

import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';

/** Used if a proxy sends a value that is not an IP address. */
const UNKNOWN = 'unknown';

/**
 * Returns the address of the client.
 *
 * @param trustedProxies - Number of proxies in front of the gateway, each of which appends the address of its peer to
 *   `X-Forwarded-For`. Entries further left are set by the client and are ignored.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const peer = request.socket.remoteAddress ?? '';
  if (trustedProxies === 0) return normalize(peer);
  const forwarded = (request.headersDistinct['x-forwarded-for'] ?? [])
    .join(',')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return normalize(forwarded.at(-trustedProxies) ?? peer);
}

/**
 * Returns the network by which limits count an address: the IPv4 address itself, or the /64 of an IPv6 address, within which
 * one host can use any number of addresses.
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

/** Removes the port that some proxies append, and unwraps IPv4-mapped IPv6 addresses. */
function normalize(text: string): string {
  const address = text
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? UNKNOWN : address.toLowerCase();
}
