/** Scenarios of Fractal ID, in both formats. */

import { randomUuid } from './random';
import { createTimestamps, type ProviderSimulator, type ScenarioName } from './scenario';

const STEP_MS = 1000; // timestamps have whole seconds

type Step = readonly [type: string, level: string];

const CLASSIC_STEPS: Readonly<Record<ScenarioName, readonly Step[]>> = {
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

/** Kraken reports only decisions. */
const KRAKEN_STEPS: Readonly<Record<ScenarioName, readonly string[]>> = {
  approve: ['approved'],
  reject: ['rejected'],
  'retry-then-approve': ['rejected', 'approved'],
  review: [],
};

const COMMON = {
  provider: 'fractal-id',
  trust: 'SIGNED',
  identifiedBy: 'subjectRef',
  marksSandbox: false,
  reviewStatus: 'ACTION_REQUIRED',
  createUserId: randomUuid,
} as const;

export const fractalIdSimulator: ProviderSimulator = {
  ...COMMON,
  dated: true,
  createWebhooks: (scenario, user, now) => {
    const steps = CLASSIC_STEPS[scenario];
    const times = createTimestamps(now, steps.length, STEP_MS);
    return steps.map(([type, level], index) => {
      const timestamp = (times[index] ?? now).toISOString().replace(/\.\d+Z$/, 'Z');
      const body = JSON.stringify({ type, data: { level, user_id: user, timestamp } });
      return { label: `${type} (${level})`, body, type };
    });
  },
};

export const krakenSimulator: ProviderSimulator = {
  ...COMMON,
  dated: false,
  createWebhooks: (scenario, user) => {
    const steps = KRAKEN_STEPS[scenario];
    if (steps.length === 0) return undefined;
    return steps.map((status) => {
      const note = status === 'rejected' ? 'Simulated: the document has expired.' : '';
      return { label: status, body: JSON.stringify({ id: user, status, note }) };
    });
  },
};
