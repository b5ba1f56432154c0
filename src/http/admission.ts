/** Turns webhooks away before anything is read of them: addresses that are not the vendor's, and floods. */

import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { GatewayError, RateLimitedError, UnknownProviderError } from '../domain/errors';
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

/** A vendor that was down sends what has gathered; of that nothing may be refused. */
const BURST_SECONDS = 10;
/** Wrong proofs of one vendor from one address: an exchange of secrets goes wrong more often than this. */
const FAILURES = { burst: 100, perSecond: 2 };

export function createAdmission(
  options: AdmissionOptions,
  tellRefusal: TellRefusal,
  now: Monotonic,
): Admission {
  const { providers, trustedProxies, webhooksPerSecond } = options;
  const rate = createRate({
    burst: webhooksPerSecond * BURST_SECONDS,
    perSecond: webhooksPerSecond,
    now,
  });
  const failures = createRate({ ...FAILURES, now });
  const lists = new Map(
    Object.entries(options.webhookAddresses).map(([id, nets]) => [id, toList(nets)]),
  );

  function isAllowed(provider: ProviderId, address: string): boolean {
    const list = lists.get(provider);
    return list === undefined || list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }

  return {
    assertWelcome(provider, request) {
      if (providers?.has(provider) === false) throw new UnknownProviderError();
      const address = clientAddress(request, trustedProxies);
      if (!isAllowed(provider, address)) {
        throw new GatewayError('FORBIDDEN', 'this vendor does not send from this address');
      }
      assertLeft(rate.take(`${provider} ${networkOf(address)}`));
    },
    noteFailure(provider, request) {
      const address = clientAddress(request, trustedProxies);
      assertLeft(failures.take(`${provider} ${networkOf(address)}`));
      tellRefusal({ provider, address }, 'a webhook did not prove that its vendor sent it');
    },
  };
}

function assertLeft(waitMs: number): void {
  if (waitMs > 0) throw new RateLimitedError(Math.ceil(waitMs / 1000));
}

function toList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return list;
}
