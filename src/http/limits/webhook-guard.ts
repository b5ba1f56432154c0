/** Rejects webhooks before reading their body: unknown providers, addresses that are not allowed, and floods. */

import { BlockList, type IPVersion, isIPv6 } from 'node:net';
import {
  type ErrorCode,
  GatewayError,
  type SignatureFailure,
  UnknownProviderError,
} from '../../domain/errors';
import type { ProviderId } from '../../domain/level';
import { toNetwork } from './client-address';
import { createRateLimiter, type Monotonic } from './rate-limiter';
import type { LogRejection } from './rejection-log';

export interface WebhookGuard {
  /** @throws {GatewayError} PROVIDER_UNKNOWN, FORBIDDEN or RATE_LIMITED. */
  assertAllowed(provider: ProviderId, address: string): void;
  /**
   * Logs a webhook that is not authentic.
   *
   * @throws {RateLimitedError} After too many such webhooks of the provider from the network of `address`. Nothing is logged then.
   */
  recordSignatureFailure(provider: ProviderId, address: string, reason: SignatureFailure): void;
  /** Logs a webhook that is rejected for another reason. */
  recordRejection(provider: ProviderId, address: string, reason: ErrorCode): void;
}

export interface WebhookGuardOptions {
  /** Configured providers. Webhooks for other providers are rejected before their body is read. If absent, all are accepted. */
  readonly providers?: ReadonlySet<ProviderId>;
  /** Webhooks of one provider from one network, per second. */
  readonly webhooksPerSecond: number;
  /** Addresses and networks (`192.0.2.7`, `2001:db8::/32`) that may send, by provider. Without an entry, any address may. */
  readonly webhookAddresses: Readonly<Record<ProviderId, readonly string[]>>;
}

/** Webhooks of one provider from one network that are not authentic. A rotation of secrets causes many at once. */
const FAILURES = { burst: 100, perSecond: 2 };

export function createWebhookGuard(
  options: WebhookGuardOptions,
  logRejection: LogRejection,
  now: Monotonic,
): WebhookGuard {
  const { providers, webhooksPerSecond } = options;
  // The default burst is ten seconds' worth: after an outage a provider sends its whole backlog, which must be accepted.
  const rate = createRateLimiter({ perSecond: webhooksPerSecond, now });
  const failures = createRateLimiter({ ...FAILURES, now });
  const lists = new Map(
    Object.entries(options.webhookAddresses).map(([id, networks]) => [id, toList(networks)]),
  );

  function isAllowed(provider: ProviderId, address: string): boolean {
    const list = lists.get(provider);
    return list === undefined || list.check(address, toFamily(address));
  }

  /** An unknown provider in the path may be a misplaced secret, so it is not logged. */
  const toLoggable = (provider: ProviderId) =>
    providers?.has(provider) === false ? 'unknown' : provider;

  return {
    assertAllowed(provider, address) {
      if (providers?.has(provider) === false) throw new UnknownProviderError();
      if (!isAllowed(provider, address)) {
        throw new GatewayError(
          'FORBIDDEN',
          'Webhooks of this provider are not allowed from this address. Check WEBHOOK_ADDRESSES_* and TRUSTED_PROXIES.',
        );
      }
      rate.assertLeft(`${provider} ${toNetwork(address)}`);
    },
    recordSignatureFailure(provider, address, reason) {
      failures.assertLeft(`${provider} ${toNetwork(address)}`);
      logRejection({ provider: toLoggable(provider), address, reason }, 'webhook is not authentic');
    },
    recordRejection(provider, address, reason) {
      logRejection({ provider: toLoggable(provider), address, reason }, 'rejected webhook');
    },
  };
}

function toList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    if (length === undefined) list.addAddress(address, toFamily(address));
    else list.addSubnet(address, Number(length), toFamily(address));
  }
  return list;
}

function toFamily(address: string): IPVersion {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
