/** HTTP limits: allowed origins, trusted proxies, webhook addresses and quotas. */

import { z } from 'zod';
import type { ProviderId } from '../domain/level';
import type { ClientAccess, QuotaLimits } from '../http/limits/limits';
import { type EnvironmentReader, toVariable } from './environment';
import { DAY_MS, durationMs, wholeNumber } from './parsers';

export interface HttpConfig extends ClientAccess {
  /** Keep-alive of an idle connection, in milliseconds. Must exceed the keep-alive of the load balancer in front. */
  readonly keepAliveMs: number;
  readonly quotas: QuotaLimits;
}

const PROXIES = wholeNumber(0, 10);
const RATE = wholeNumber(1, 1_000_000);
const COUNT = wholeNumber(1, 1_000_000);
const KEEP_ALIVE = durationMs('an ISO 8601 duration from PT1S to PT24H, e.g. PT75S', 1_000, DAY_MS);
const NETWORK = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

export function readHttp(
  reader: EnvironmentReader,
  providerIds: readonly ProviderId[],
  mode: 'development' | 'production',
): HttpConfig {
  const allowedOrigins = readList(reader, 'ALLOWED_ORIGINS', isOrigin, ORIGINS);
  return {
    allowedOrigins,
    allowLocalOrigins: mode === 'development' && allowedOrigins.length === 0,
    trustedProxies: reader.read('TRUSTED_PROXIES', PROXIES, 0),
    keepAliveMs: reader.read('KEEP_ALIVE_TIMEOUT', KEEP_ALIVE, 75_000),
    webhooksPerSecond: reader.read('WEBHOOKS_PER_SECOND', RATE, 5_000),
    webhookAddresses: readAddresses(reader, providerIds),
    quotas: readQuotas(reader),
  };
}

function readQuotas(reader: EnvironmentReader): HttpConfig['quotas'] {
  const count = (name: string, fallback: number) => reader.read(name, COUNT, fallback);
  // Without TRUSTED_PROXIES, every request may have the address of one proxy.
  const hasClientAddress = reader.text('TRUSTED_PROXIES') !== undefined;
  return {
    socketsPerAddress: count('SOCKETS_PER_ADDRESS', hasClientAddress ? 500 : 10_000),
    socketsPerKey: count('SOCKETS_PER_KEY', 10_000),
    socketsPerUser: count('SOCKETS_PER_USER', 50),
    operationsPerAddress: count('OPERATIONS_PER_ADDRESS', hasClientAddress ? 5_000 : 100_000),
    operationsPerKey: count('OPERATIONS_PER_KEY', 100_000),
    operationsPerUser: count('OPERATIONS_PER_USER', 500),
    operationsPerSecond: reader.read('OPERATIONS_PER_SECOND', RATE, null),
  };
}

const ORIGINS =
  'a comma-separated list of origins such as `https://app.example.com` or `capacitor://localhost`, ' +
  'each without a path, a trailing slash or `*`';
const NETWORKS = 'a comma-separated list of addresses and networks such as `192.0.2.0/24`';

function readAddresses(
  reader: EnvironmentReader,
  providerIds: readonly ProviderId[],
): HttpConfig['webhookAddresses'] {
  const entries = providerIds.map((id): [ProviderId, readonly string[]] => {
    const isNetwork = (text: string) => NETWORK.safeParse(text).success;
    return [id, readList(reader, toVariable('WEBHOOK_ADDRESSES', id), isNetwork, NETWORKS)];
  });
  return Object.fromEntries(entries.filter(([, networks]) => networks.length > 0));
}

/** Rejects empty parts: otherwise a lone comma would mean an empty list, which allows every address. */
function readList(
  reader: EnvironmentReader,
  name: string,
  isValid: (text: string) => boolean,
  expected: string,
): readonly string[] {
  const parts = reader.text(name)?.split(',') ?? [];
  const trimmed = parts.map((part) => part.trim());
  if (!trimmed.every(isValid)) reader.fault(name, expected);
  return trimmed;
}

/**
 * Schemes that are not the origin of a page. A WebSocket has the origin of its page, and all local files share one opaque
 * origin.
 */
const NON_PAGE_SCHEMES = new Set(['ws:', 'wss:', 'ftp:', 'file:']);

/** Accepts custom schemes too: web view apps and browser extensions use them, and `URL.origin` is `null` for them. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text) || text.includes('*')) return false;
  const { protocol, host } = new URL(text);
  return host !== '' && `${protocol}//${host}` === text && !NON_PAGE_SCHEMES.has(protocol);
}
