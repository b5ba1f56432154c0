/** The status words: what a user holds, and what came of one attempt. */

/** The lasting state of a user, and of a user at one level. */
export const VERIFICATION_STATUSES = ['NOT_VERIFIED', 'VERIFIED', 'EXPIRED'] as const;
export type VerificationStatus = (typeof VERIFICATION_STATUSES)[number];

/**
 * Outcomes of one attempt, in the order that breaks ties between events of one instant: the later entry wins. A decision
 * outranks an open status, because a review ends with its decision. Within each group, the more cautious status wins.
 */
export const ATTEMPT_STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'IN_REVIEW',
  'ACTION_REQUIRED',
  'APPROVED',
  'EXPIRED',
  'REJECTED',
  'CANCELLED',
] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

export const OPEN_STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'ACTION_REQUIRED',
  'IN_REVIEW',
] as const satisfies readonly AttemptStatus[];
export type OpenStatus = (typeof OPEN_STATUSES)[number];

const OPEN: ReadonlySet<AttemptStatus> = new Set(OPEN_STATUSES);

/** Whether the attempt still waits for somebody; the other statuses are decisions, none of them final for ever. */
export function isOpen(status: AttemptStatus): status is OpenStatus {
  return OPEN.has(status);
}

/** How sure we are of who sent it: the body was signed, only a static secret was shown, or the vendor's API confirmed it. */
export const TRUSTS = ['SIGNED', 'TOKEN', 'CONFIRMED'] as const;
export type Trust = (typeof TRUSTS)[number];

/** What became of a delivery. */
export const DISPOSITIONS = ['APPLIED', 'UNCHANGED', 'STALE', 'IGNORED', 'QUARANTINED'] as const;
export type Disposition = (typeof DISPOSITIONS)[number];
