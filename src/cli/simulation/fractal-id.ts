/** Fractal ID's side of the stories, in the format that the gateway is configured for. */

import { inventUuid } from './random';
import { type StoryName, type Teller, type Telling, timesUpTo } from './story';

const STEP_MS = 1000; // the clock shows whole seconds

type Step = readonly [type: string, level: string];

const CLASSIC_STEPS: Readonly<Record<StoryName, readonly Step[]>> = {
  approve: [
    ['verification_approved', 'basic'],
    ['verification_approved', 'liveness'],
  ],
  reject: [['verification_rejected', 'basic']],
  'retry-then-approve': [
    ['verification_contacted', 'basic'],
    ['verification_rejected', 'basic'],
    ['verification_approved', 'basic'],
  ],
  review: [['verification_contacted', 'basic']],
};

/** Kraken reports decisions only. */
const KRAKEN_STEPS: Readonly<Record<StoryName, readonly Telling['what'][]>> = {
  approve: ['approved'],
  reject: ['rejected'],
  'retry-then-approve': ['rejected', 'approved'],
  review: [],
};

const TELLER = {
  provider: 'fractal-id',
  trust: 'SIGNED',
  names: 'subjectRef',
  marksSandbox: false,
  review: 'ACTION_REQUIRED',
  inventUser: inventUuid,
} as const;

export const fractalIdTeller: Teller = {
  ...TELLER,
  dated: true,
  tell: (story, user, now) => {
    const steps = CLASSIC_STEPS[story];
    const times = timesUpTo(now, steps.length, STEP_MS);
    return steps.map(([type, level], index) => {
      const timestamp = (times[index] ?? now).toISOString().replace(/\.\d+Z$/, 'Z');
      const body = JSON.stringify({ type, data: { level, user_id: user, timestamp } });
      return { what: `${type} (${level})`, body, type };
    });
  },
};

export const krakenTeller: Teller = {
  ...TELLER,
  dated: false,
  tell: (story, user) => {
    const steps = KRAKEN_STEPS[story];
    if (steps.length === 0) return undefined;
    return steps.map((status) => {
      const note = status === 'rejected' ? 'Simulated: the document has run out.' : '';
      return { what: status, body: JSON.stringify({ id: user, status, note }) };
    });
  },
};
