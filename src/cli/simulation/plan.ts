/** Plan of the requests to send: order, duplicates and tampered copies. */

import { type Random, randomIndex, shuffle } from './random';
import type { ProviderSimulator, SimulatedWebhook } from './scenario';

export interface DeliveryFaults {
  readonly shuffle: boolean;
  readonly duplicate: boolean;
  readonly corrupt: boolean;
}

/** A request to send. */
export interface PlannedRequest {
  readonly user: string;
  readonly webhook: SimulatedWebhook;
  /** Modification. If absent, the request is genuine. */
  readonly tampering?: 'BODY' | 'SECRET';
}

/** Requests to send one after the other. Several sequences can be sent concurrently. */
export type RequestSequence = readonly PlannedRequest[];

const MAX_COPIES = 3;

/** Plans the requests. @param webhooksByUser - Webhooks in order, by user. */
export function planRequests(
  simulator: ProviderSimulator,
  webhooksByUser: ReadonlyMap<string, readonly SimulatedWebhook[]>,
  faults: DeliveryFaults,
  random: Random,
): readonly RequestSequence[] {
  const sequences = [...webhooksByUser].map(([user, webhooks]) => {
    return webhooks.flatMap((webhook) => planCopies(simulator, { user, webhook }, faults, random));
  });
  return faults.shuffle ? shuffle(sequences.flat(), random).map((request) => [request]) : sequences;
}

function planCopies(
  simulator: ProviderSimulator,
  request: PlannedRequest,
  faults: DeliveryFaults,
  random: Random,
): readonly PlannedRequest[] {
  const copies = faults.duplicate ? 1 + randomIndex(random, MAX_COPIES) : 1;
  const genuine = Array.from({ length: copies }, () => request);
  return faults.corrupt
    ? [{ ...request, tampering: selectTampering(simulator, random) }, ...genuine]
    : genuine;
}

/** Selects how to tamper. Without a signature, a changed body is indistinguishable from a genuine one. */
function selectTampering({ trust }: ProviderSimulator, random: Random): 'BODY' | 'SECRET' {
  return trust === 'SIGNED' && random() < 0.5 ? 'BODY' : 'SECRET';
}
