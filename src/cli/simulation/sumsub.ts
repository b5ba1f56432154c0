/** Sumsub's side of the stories. */

import { createHash } from 'node:crypto';
import { hexDigits } from './random';
import { type StoryName, type Teller, timesUpTo } from './story';

const LEVEL = 'basic-kyc-level';
const STEP_MS = 1; // the clock shows milliseconds

type Review = Readonly<Record<string, unknown>>;

const GREEN: Review = { reviewAnswer: 'GREEN' };
const RED_RETRY: Review = {
  moderationComment: 'The photo of the document is blurred. Please take a new one.',
  clientComment: 'Simulated: asks for a new photo.',
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

const STEPS: Readonly<Record<StoryName, readonly Step[]>> = {
  approve: [CREATED, PENDING, reviewed(GREEN)],
  reject: [CREATED, PENDING, reviewed(RED_FINAL)],
  'retry-then-approve': [CREATED, PENDING, reviewed(RED_RETRY), PENDING, reviewed(GREEN)],
  review: [CREATED, PENDING, ON_HOLD],
};

export const sumsubTeller: Teller = {
  provider: 'sumsub',
  trust: 'SIGNED',
  names: 'externalUserId',
  review: 'IN_REVIEW',
  dated: true,
  marksSandbox: true,
  inventUser: (random) => `user-${hexDigits(random, 8)}`,
  tell: (story, user, now) => {
    const steps = STEPS[story];
    const times = timesUpTo(now, steps.length, STEP_MS);
    return steps.map(([type, reviewStatus, reviewResult], index) => ({
      what: type,
      body: JSON.stringify({
        applicantId: idOf('applicant', user),
        inspectionId: idOf('inspection', user),
        applicantType: 'individual',
        correlationId: `req-${idOf(`${type} ${now.getTime()} ${index}`, user)}`,
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

function reviewed(result: Review): Step {
  return ['applicantReviewed', 'completed', result];
}

/** The same user is the same applicant in every run. */
function idOf(what: string, user: string): string {
  return createHash('sha256').update(`${what} of ${user}`).digest('hex').slice(0, 24);
}

/** `2020-02-21 13:23:19.002`, UTC. */
function toSumsubTime(date: Date): string {
  return date.toISOString().replace('T', ' ').replace('Z', '');
}
