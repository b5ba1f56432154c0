/** Turns webhooks away before anything is read of them: addresses that are not the vendor's, and floods. */

import { BlockList, type IPVersion, isIPv6 } from 'node:net';
import {
  type ErrorCode,
  GatewayError,
  type SignatureRefusal,
  UnknownProviderError,
} from '../../domain/errors';
import type { ProviderId } from '../../domain/level';
import { toNetwork } from '../io/client-address';
import { createRateLimiter, type Monotonic } from './rate-limiter';
import type { LogRejection } from './rejection-log';

export interface WebhookGuard {
  /** @throws {GatewayError} PROVIDER_UNKNOWN, FORBIDDEN, RATE_LIMITED */
  assertAllowed(provider: ProviderId, address: string): void;
  /** Logs a webhook that is not authentic. @throws {RateLimitedError} Instead, if too many come from the address. */
  noteFailure(provider: ProviderId, address: string, refusal: SignatureRefusal): void;
  /** Logs a webhook that is refused for another reason. */
  noteRefusal(provider: ProviderId, address: string, refusal: ErrorCode): void;
}

export interface WebhookGuardOptions {
  /** Those that are served; others are told so at once. Left out: anybody. */
  readonly providers?: ReadonlySet<ProviderId>;
  /** Of one vendor from one address. */
  readonly webhooksPerSecond: number;
  /** By vendor: addresses and networks (`192.0.2.7`, `2001:db8::/32`) that may send. Without an entry: any. */
  readonly webhookAddresses: Readonly<Record<ProviderId, readonly string[]>>;
}

/** Wrong proofs of one vendor from one address: an exchange of secrets goes wrong more often than this. */
const FAILURES = { burst: 100, perSecond: 2 };

export function createWebhookGuard(
  options: WebhookGuardOptions,
  logRejection: LogRejection,
  now: Monotonic,
): WebhookGuard {
  const { providers, webhooksPerSecond } = options;
  // At once ten times as many: a vendor that was down sends what has gathered, and of that nothing may be refused.
  const rate = createRateLimiter({ perSecond: webhooksPerSecond, now });
  const failures = createRateLimiter({ ...FAILURES, now });
  const lists = new Map(
    Object.entries(options.webhookAddresses).map(([id, nets]) => [id, toList(nets)]),
  );

  function isAllowed(provider: ProviderId, address: string): boolean {
    const list = lists.get(provider);
    return list === undefined || list.check(address, familyOf(address));
  }

  /** A path that names no provider may hold a secret that belongs elsewhere. */
  const loggable = (provider: ProviderId) =>
    providers?.has(provider) === false ? 'unknown' : provider;

  return {
    assertAllowed(provider, address) {
      if (providers?.has(provider) === false) throw new UnknownProviderError();
      if (!isAllowed(provider, address)) {
        throw new GatewayError('FORBIDDEN', 'this vendor does not send from this address');
      }
      rate.assertLeft(`${provider} ${toNetwork(address)}`);
    },
    noteFailure(provider, address, refusal) {
      failures.assertLeft(`${provider} ${toNetwork(address)}`);
      const message = 'a webhook did not prove that its vendor sent it';
      logRejection({ provider: loggable(provider), address, refusal }, message);
    },
    noteRefusal(provider, address, refusal) {
      logRejection({ provider: loggable(provider), address, refusal }, 'a webhook was refused');
    },
  };
}

function toList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    if (length === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(length), familyOf(address));
  }
  return list;
}

function familyOf(address: string): IPVersion {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
