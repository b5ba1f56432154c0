/** Who may come: origins of web pages, proxies before us, addresses of vendors. */

import { z } from 'zod';
import type { ProviderId } from '../domain/level';
import { type EnvironmentReader, variableOf } from './environment';
import { durationMs, wholeNumber } from './parsers';

export interface HttpConfig {
  /** Of web pages that may use `/graphql`, beside those of our own host. */
  readonly allowedOrigins: readonly string[];
  /** Whether pages served from this machine, on any port, may too. */
  readonly allowLocalOrigins: boolean;
  readonly trustedProxies: number;
  /** For which an idle connection is kept open: longer than the balancer in front keeps it. */
  readonly keepAliveMs: number;
  /** Of one vendor from one address. */
  readonly webhooksPerSecond: number;
  /** Addresses and networks by provider slug; one without an entry may send from anywhere. */
  readonly webhookAddresses: Readonly<Record<ProviderId, readonly string[]>>;
  readonly quotas: {
    readonly socketsPerAddress: number;
    readonly socketsPerKey: number;
    readonly socketsPerUser: number;
    /** Operations under way, subscriptions included. */
    readonly operationsPerAddress: number;
    readonly operationsPerKey: number;
    readonly operationsPerUser: number;
    /** Of one API key or end user; `null`: as many as they like. */
    readonly operationsPerSecond: number | null;
  };
}

const PROXIES = wholeNumber(0, 10);
const RATE = wholeNumber(1, 1_000_000);
const COUNT = wholeNumber(1, 1_000_000);
const DAY_MS = 24 * 60 * 60_000;
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
  const count = (name: string, usual: number) => reader.read(name, COUNT, usual);
  // Unless we are told, all may come from the one address of a proxy.
  const knowsAddresses = reader.text('TRUSTED_PROXIES') !== undefined;
  return {
    socketsPerAddress: count('SOCKETS_PER_ADDRESS', knowsAddresses ? 500 : 10_000),
    socketsPerKey: count('SOCKETS_PER_KEY', 10_000),
    socketsPerUser: count('SOCKETS_PER_USER', 50),
    operationsPerAddress: count('OPERATIONS_PER_ADDRESS', knowsAddresses ? 5_000 : 100_000),
    operationsPerKey: count('OPERATIONS_PER_KEY', 100_000),
    operationsPerUser: count('OPERATIONS_PER_USER', 500),
    operationsPerSecond: reader.read('OPERATIONS_PER_SECOND', RATE, null),
  };
}

const ORIGINS =
  'origins such as `https://app.example.com` or `capacitor://localhost`, comma-separated, ' +
  'each with no path, no trailing slash and no `*`';
const NETWORKS = 'addresses and networks such as `192.0.2.0/24`, comma-separated';

function readAddresses(
  reader: EnvironmentReader,
  providerIds: readonly ProviderId[],
): HttpConfig['webhookAddresses'] {
  const entries = providerIds.map((id): [ProviderId, readonly string[]] => {
    const isNetwork = (text: string) => NETWORK.safeParse(text).success;
    return [id, readList(reader, variableOf('WEBHOOK_ADDRESSES', id), isNetwork, NETWORKS)];
  });
  return Object.fromEntries(entries.filter(([, networks]) => networks.length > 0));
}

/** Here an empty part is a fault: a comma alone must not come to mean that anybody may send. */
function readList(
  reader: EnvironmentReader,
  name: string,
  isSound: (text: string) => boolean,
  expected: string,
): readonly string[] {
  const parts = reader.text(name)?.split(',') ?? [];
  const trimmed = parts.map((part) => part.trim());
  if (!trimmed.every(isSound)) reader.fault(name, expected);
  return trimmed;
}

/**
 * Schemes that look like that of a page and are not: a WebSocket has the origin of its page, and pages of files have none that
 * tells one from another.
 */
const NOT_OF_PAGES = new Set(['ws:', 'wss:', 'ftp:', 'file:']);

/** Apps in a web view and browser extensions have schemes of their own, for which `URL.origin` is `null`. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text) || text.includes('*')) return false;
  const { protocol, host } = new URL(text);
  return host !== '' && `${protocol}//${host}` === text && !NOT_OF_PAGES.has(protocol);
}
