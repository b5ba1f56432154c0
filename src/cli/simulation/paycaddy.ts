/** PayCaddy's side of the stories. */

import { inventUuid } from './random';
import { type StoryName, type Teller, timesUpTo } from './story';

const STEP_MS = 1;
const CAPTURE_ONGOING = 'Document OCR capture ongoing';

type Step = readonly [status: string, description: string];

const INPUTS = ['verification_inputs_completed', 'Ongoing verification'] as const;
const VERIFIED = ['verified', 'Verification signed'] as const;
const EXPIRED_DOCUMENT = ['rejected', 'The document uploaded is expired'] as const;
const MISMATCH = ['rejected', 'Document doesn’t match input data'] as const;
const AML_REVIEW = ['reviewNeeded', 'AML checks need to be reviewed'] as const;

const STEPS: Readonly<Record<StoryName, readonly Step[]>> = {
  approve: [INPUTS, VERIFIED],
  reject: [INPUTS, EXPIRED_DOCUMENT],
  'retry-then-approve': [INPUTS, MISMATCH, INPUTS, VERIFIED],
  review: [INPUTS, AML_REVIEW],
};

export const paycaddyTeller: Teller = {
  provider: 'paycaddy',
  trust: 'TOKEN',
  names: 'subjectRef',
  review: 'IN_REVIEW',
  marksSandbox: false,
  dated: true,
  inventUser: inventUuid,
  tell: (story, user, now) => {
    const steps = STEPS[story];
    const times = timesUpTo(now, steps.length, STEP_MS);
    return steps.map(([status, description], index) => {
      const captured = status !== 'verification_inputs_completed';
      const body = JSON.stringify({
        metadata: { userId: user },
        status,
        description,
        fullName: captured ? 'Robin Example' : CAPTURE_ONGOING,
        age: captured ? '34' : CAPTURE_ONGOING,
        timeStamp: (times[index] ?? now).toISOString().replace('Z', '0000Z'), // seven decimals
      });
      return { what: status, body };
    });
  },
};
