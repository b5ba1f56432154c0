/** What a vendor tells about one user, from the first word to the last. */

import type { ProviderId } from '../../domain/level';
import type { AttemptStatus, Trust, VerificationStatus } from '../../domain/status';
import type { Random } from './random';

export const STORY_NAMES = ['approve', 'reject', 'retry-then-approve', 'review'] as const;
export type StoryName = (typeof STORY_NAMES)[number];

/** One webhook before it is signed. */
export interface Telling {
  /** The vendor's word for it, for people. */
  readonly what: string;
  readonly body: string;
  /** The notification type that a secret may be bound to; absent where a vendor has none. */
  readonly type?: string;
}

export interface Teller {
  readonly provider: ProviderId;
  /** Whether bodies are signed, or a secret is shown beside them. */
  readonly trust: Exclude<Trust, 'CONFIRMED'>;
  /** Which of the vendor's or the customer's ids names the user: how to ask for the user afterwards. */
  readonly names: 'externalUserId' | 'subjectRef';
  /** Whether the vendor dates what it says. If not, what arrives last is true, and a shuffled story has no certain end. */
  readonly dated: boolean;
  /** Whether the vendor marks events of its test environment. If so, every simulated event carries the mark. */
  readonly marksSandbox: boolean;
  /** What an attempt is in while the vendor looks at it again: not every one has a word for a person's review. */
  readonly review: AttemptStatus;
  /** An invented id such as this vendor sends. */
  readonly inventUser: (random: Random) => string;
  /** In order, dated up to `now`; `undefined` if the vendor has no words for this story. */
  readonly tell: (story: StoryName, user: string, now: Date) => readonly Telling[] | undefined;
}

/** What is to be seen at the end, for a user of whom nothing else is known. */
export interface Ending {
  readonly verificationStatus: VerificationStatus;
  /** Of the latest attempt. */
  readonly attemptStatus: AttemptStatus;
}

export function endingOf(teller: Teller, story: StoryName): Ending {
  switch (story) {
    case 'approve':
    case 'retry-then-approve':
      return { verificationStatus: 'VERIFIED', attemptStatus: 'APPROVED' };
    case 'reject':
      return { verificationStatus: 'NOT_VERIFIED', attemptStatus: 'REJECTED' };
    case 'review':
      return { verificationStatus: 'NOT_VERIFIED', attemptStatus: teller.review };
  }
}

/**
 * Times for `count` messages, the last of them `now`.
 * @param stepMs - Between two of them: no less than the vendor's clock can tell apart, or they would tie.
 */
export function timesUpTo(now: Date, count: number, stepMs: number): readonly Date[] {
  return Array.from({ length: count }, (_, index) => {
    return new Date(now.getTime() - (count - 1 - index) * stepMs);
  });
}
