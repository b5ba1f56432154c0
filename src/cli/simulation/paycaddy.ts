/** Scenarios of PayCaddy. */

import { randomUuid } from './random';
import { createTimestamps, type ProviderSimulator, type ScenarioName } from './scenario';

const STEP_MS = 1;
const CAPTURE_ONGOING = 'Document OCR capture ongoing';

type Step = readonly [status: string, description: string];

const INPUTS = ['verification_inputs_completed', 'Ongoing verification'] as const;
const VERIFIED = ['verified', 'Verification signed'] as const;
const EXPIRED_DOCUMENT = ['rejected', 'The document uploaded is expired'] as const;
const MISMATCH = ['rejected', 'Document doesn’t match input data'] as const;
const AML_REVIEW = ['reviewNeeded', 'AML checks need to be reviewed'] as const;

const STEPS: Readonly<Record<ScenarioName, readonly Step[]>> = {
  approve: [INPUTS, VERIFIED],
  reject: [INPUTS, EXPIRED_DOCUMENT],
  'retry-then-approve': [INPUTS, MISMATCH, INPUTS, VERIFIED],
  review: [INPUTS, AML_REVIEW],
};

export const paycaddySimulator: ProviderSimulator = {
  provider: 'paycaddy',
  trust: 'TOKEN',
  identifiedBy: 'subjectRef',
  reviewStatus: 'IN_REVIEW',
  marksSandbox: false,
  dated: true,
  createUserId: randomUuid,
  createWebhooks: (scenario, user, now) => {
    const steps = STEPS[scenario];
    const times = createTimestamps(now, steps.length, STEP_MS);
    return steps.map(([status, description], index) => {
      const isCaptured = status !== 'verification_inputs_completed';
      const body = JSON.stringify({
        metadata: { userId: user },
        status,
        description,
        fullName: isCaptured ? 'Robin Example' : CAPTURE_ONGOING,
        age: isCaptured ? '34' : CAPTURE_ONGOING,
        timeStamp: (times[index] ?? now).toISOString().replace('Z', '0000Z'), // seven decimals
      });
      return { label: status, body };
    });
  },
};
