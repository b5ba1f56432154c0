/** P100's side of the stories. It sends no clock: the order of arrival is all there is. */

import { inventUuid } from './random';
import type { StoryName, Teller } from './story';

type Step = readonly [verificationStatus: string, attemptStatus: string];

const PENDING = ['NOT_VERIFIED', 'PENDING'] as const;
const IN_PROCESS = ['NOT_VERIFIED', 'VERIFICATION'] as const;
const REJECTED = ['NOT_VERIFIED', 'REJECTED_BY_PROVIDER'] as const;
const SUCCESSFUL = ['VERIFIED', 'SUCCESSFUL'] as const;

const STEPS: Readonly<Record<StoryName, readonly Step[]>> = {
  approve: [PENDING, IN_PROCESS, SUCCESSFUL],
  reject: [PENDING, IN_PROCESS, REJECTED],
  'retry-then-approve': [PENDING, IN_PROCESS, REJECTED, PENDING, IN_PROCESS, SUCCESSFUL],
  review: [PENDING, IN_PROCESS], // the vendor has no word for a review: it says that it is at work
};

export const p100Teller: Teller = {
  provider: 'p100',
  trust: 'TOKEN',
  names: 'externalUserId',
  review: 'IN_PROGRESS',
  marksSandbox: false,
  dated: false,
  inventUser: inventUuid,
  tell: (story, user) =>
    STEPS[story].map(([verificationStatus, attemptStatus]) => {
      const rejected = attemptStatus === 'REJECTED_BY_PROVIDER';
      const body = JSON.stringify({
        externalUserId: user,
        verificationStatus,
        attemptStatus,
        ...(rejected ? { rejectionReason: 'NO_FACE_FOUND' } : {}),
      });
      return { what: attemptStatus, body };
    }),
};
