/** Turns webhooks away before anything is read of them: addresses that are not the vendor's, and floods. */

import type { IncomingMessage } from 'node:http';
import { BlockList, type IPVersion, isIPv6 } from 'node:net';
import { GatewayError, UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import { clientAddress, networkOf } from './client-address';
import { createRate, type Monotonic } from './rate';
import type { TellRefusal } from './refusal-log';

export interface Admission {
  /** @throws {GatewayError} PROVIDER_UNKNOWN, FORBIDDEN, RATE_LIMITED */
  assertWelcome(provider: ProviderId, request: IncomingMessage): void;
  /** To be told of each that could not prove itself; tells the log. @throws {RateLimitedError} where there were too many. */
  noteFailure(provider: ProviderId, request: IncomingMessage): void;
}

export interface AdmissionOptions {
  /** Those that are served; others are told so at once. Left out: anybody. */
  readonly providers?: ReadonlySet<ProviderId>;
  readonly trustedProxies: number;
  /** Of one vendor from one address. */
  readonly webhooksPerSecond: number;
  /** By vendor: addresses and networks (`192.0.2.7`, `2001:db8::/32`) that may send. Without an entry: any. */
  readonly webhookAddresses: Readonly<Record<ProviderId, readonly string[]>>;
}

/** Wrong proofs of one vendor from one address: an exchange of secrets goes wrong more often than this. */
const FAILURES = { burst: 100, perSecond: 2 };

export function createAdmission(
  options: AdmissionOptions,
  tellRefusal: TellRefusal,
  now: Monotonic,
): Admission {
  const { providers, trustedProxies, webhooksPerSecond } = options;
  // At once ten times as many: a vendor that was down sends what has gathered, and of that nothing may be refused.
  const rate = createRate({ perSecond: webhooksPerSecond, now });
  const failures = createRate({ ...FAILURES, now });
  const lists = new Map(
    Object.entries(options.webhookAddresses).map(([id, nets]) => [id, toList(nets)]),
  );

  function isAllowed(provider: ProviderId, address: string): boolean {
    const list = lists.get(provider);
    return list === undefined || list.check(address, familyOf(address));
  }

  return {
    assertWelcome(provider, request) {
      if (providers?.has(provider) === false) throw new UnknownProviderError();
      const address = clientAddress(request, trustedProxies);
      if (!isAllowed(provider, address)) {
        throw new GatewayError('FORBIDDEN', 'this vendor does not send from this address');
      }
      rate.assertLeft(`${provider} ${networkOf(address)}`);
    },
    noteFailure(provider, request) {
      const address = clientAddress(request, trustedProxies);
      failures.assertLeft(`${provider} ${networkOf(address)}`);
      tellRefusal({ provider, address }, 'a webhook did not prove that its vendor sent it');
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
