/** Scenarios of P100, which sends no timestamps. */

import { randomUuid } from './random';
import type { ProviderSimulator, ScenarioName } from './scenario';

type Step = readonly [verificationStatus: string, attemptStatus: string];

const PENDING = ['NOT_VERIFIED', 'PENDING'] as const;
const IN_PROCESS = ['NOT_VERIFIED', 'VERIFICATION'] as const;
const REJECTED = ['NOT_VERIFIED', 'REJECTED_BY_PROVIDER'] as const;
const SUCCESSFUL = ['VERIFIED', 'SUCCESSFUL'] as const;

const STEPS: Readonly<Record<ScenarioName, readonly Step[]>> = {
  approve: [PENDING, IN_PROCESS, SUCCESSFUL],
  reject: [PENDING, IN_PROCESS, REJECTED],
  'retry-then-approve': [PENDING, IN_PROCESS, REJECTED, PENDING, IN_PROCESS, SUCCESSFUL],
  review: [PENDING, IN_PROCESS], // P100 has no review status and reports processing instead
};

export const p100Simulator: ProviderSimulator = {
  provider: 'p100',
  trust: 'TOKEN',
  identifiedBy: 'externalUserId',
  reviewStatus: 'IN_PROGRESS',
  marksSandbox: false,
  dated: false,
  createUserId: randomUuid,
  createWebhooks: (scenario, user) =>
    STEPS[scenario].map(([verificationStatus, attemptStatus]) => {
      const rejected = attemptStatus === 'REJECTED_BY_PROVIDER';
      const body = JSON.stringify({
        externalUserId: user,
        verificationStatus,
        attemptStatus,
        ...(rejected ? { rejectionReason: 'NO_FACE_FOUND' } : {}),
      });
      return { label: attemptStatus, body };
    }),
};
