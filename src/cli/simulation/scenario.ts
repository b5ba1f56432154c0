/** Scenarios: the webhooks that a provider sends about one user. */

import type { ProviderId } from '../../domain/level';
import type { AttemptStatus, Trust, VerificationStatus } from '../../domain/status';
import type { Random } from './random';

export const SCENARIO_NAMES = ['approve', 'reject', 'retry-then-approve', 'review'] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** A webhook before it is signed. */
export interface SimulatedWebhook {
  /** Name for people. */
  readonly label: string;
  readonly body: string;
  /** Notification type that a secret can be bound to. Absent for providers without types. */
  readonly type?: string;
}

export interface ProviderSimulator {
  readonly provider: ProviderId;
  /** Whether the provider signs bodies or sends a static secret. */
  readonly trust: Exclude<Trust, 'CONFIRMED'>;
  /** ID that identifies the user in a query: the customer's or the provider's. */
  readonly identifiedBy: 'externalUserId' | 'subjectRef';
  /** Whether the provider sends timestamps. If false, the last arrival wins, and the result of a shuffled scenario is unknown. */
  readonly dated: boolean;
  /** Whether the provider marks sandbox events. If true, every simulated event is marked. */
  readonly marksSandbox: boolean;
  /** Attempt status during a review. Not every provider has a status for manual reviews. */
  readonly reviewStatus: AttemptStatus;
  /** Creates a random user ID in the provider's format. */
  readonly createUserId: (random: Random) => string;
  /** Returns the webhooks in order, the last one dated `now`. Undefined if the provider does not support the scenario. */
  readonly createWebhooks: (
    scenario: ScenarioName,
    user: string,
    now: Date,
  ) => readonly SimulatedWebhook[] | undefined;
}

/** Expected result for a new user. */
export interface ExpectedResult {
  readonly verificationStatus: VerificationStatus;
  /** Status of the latest attempt. */
  readonly attemptStatus: AttemptStatus;
}

export function getExpectedResult(
  simulator: ProviderSimulator,
  scenario: ScenarioName,
): ExpectedResult {
  switch (scenario) {
    case 'approve':
    case 'retry-then-approve':
      return { verificationStatus: 'VERIFIED', attemptStatus: 'APPROVED' };
    case 'reject':
      return { verificationStatus: 'NOT_VERIFIED', attemptStatus: 'REJECTED' };
    case 'review':
      return { verificationStatus: 'NOT_VERIFIED', attemptStatus: simulator.reviewStatus };
  }
}

/**
 * Creates timestamps for `count` messages. The last one is `now`.
 *
 * @param stepMs - Interval. At least the resolution of the provider's timestamps, or the messages would tie.
 */
export function createTimestamps(now: Date, count: number, stepMs: number): readonly Date[] {
  return Array.from({ length: count }, (_, index) => {
    return new Date(now.getTime() - (count - 1 - index) * stepMs);
  });
}
