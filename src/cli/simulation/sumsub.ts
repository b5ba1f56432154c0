/** Scenarios of Sumsub. */

import { createHash } from 'node:crypto';
import { randomHex } from './random';
import { createTimestamps, type ProviderSimulator, type ScenarioName } from './scenario';

const LEVEL = 'basic-kyc-level';
const STEP_MS = 1; // timestamps have milliseconds

type Review = Readonly<Record<string, unknown>>;

const GREEN: Review = { reviewAnswer: 'GREEN' };
const RED_RETRY: Review = {
  moderationComment: 'The photo of the document is blurred. Please take a new one.',
  clientComment: 'Simulated: requests a new photo.',
  reviewAnswer: 'RED',
  rejectLabels: ['LOW_QUALITY'],
  reviewRejectType: 'RETRY',
};
const RED_FINAL: Review = {
  moderationComment: 'We could not confirm that the document is genuine.',
  clientComment: 'Simulated: forged document.',
  reviewAnswer: 'RED',
  rejectLabels: ['FORGERY'],
  reviewRejectType: 'FINAL',
};

const CREATED = ['applicantCreated', 'init'] as const;
const PENDING = ['applicantPending', 'pending'] as const;
const ON_HOLD = ['applicantOnHold', 'onHold'] as const;

type Step = readonly [type: string, reviewStatus: string, reviewResult?: Review];

const STEPS: Readonly<Record<ScenarioName, readonly Step[]>> = {
  approve: [CREATED, PENDING, toReviewedStep(GREEN)],
  reject: [CREATED, PENDING, toReviewedStep(RED_FINAL)],
  'retry-then-approve': [
    CREATED,
    PENDING,
    toReviewedStep(RED_RETRY),
    PENDING,
    toReviewedStep(GREEN),
  ],
  review: [CREATED, PENDING, ON_HOLD],
};

export const sumsubSimulator: ProviderSimulator = {
  provider: 'sumsub',
  trust: 'SIGNED',
  identifiedBy: 'externalUserId',
  reviewStatus: 'IN_REVIEW',
  dated: true,
  marksSandbox: true,
  createUserId: (random) => `user-${randomHex(random, 8)}`,
  createWebhooks: (scenario, user, now) => {
    const steps = STEPS[scenario];
    const times = createTimestamps(now, steps.length, STEP_MS);
    return steps.map(([type, reviewStatus, reviewResult], index) => ({
      label: type,
      body: JSON.stringify({
        applicantId: deriveId('applicant', user),
        inspectionId: deriveId('inspection', user),
        applicantType: 'individual',
        correlationId: `req-${deriveId(`${type} ${now.getTime()} ${index}`, user)}`,
        levelName: LEVEL,
        externalUserId: user,
        type,
        sandboxMode: 'true',
        reviewStatus,
        ...(reviewResult === undefined ? {} : { reviewResult }),
        createdAtMs: toSumsubTime(times[index] ?? now),
        clientId: 'simulated',
      }),
    }));
  },
};

function toReviewedStep(result: Review): Step {
  return ['applicantReviewed', 'completed', result];
}

/** Derives an ID from the user ID, so that a user is the same applicant in every run. */
function deriveId(kind: string, user: string): string {
  return createHash('sha256').update(`${kind} of ${user}`).digest('hex').slice(0, 24);
}

/** Formats a time like `2020-02-21 13:23:19.002`, in UTC. */
function toSumsubTime(date: Date): string {
  return date.toISOString().replace('T', ' ').replace('Z', '');
}
