/** Statuses of users, levels, attempts and deliveries. */

/** Lasting state of a user, and of a user at one level. */
export const VERIFICATION_STATUSES = ['NOT_VERIFIED', 'VERIFIED', 'EXPIRED'] as const;
export type VerificationStatus = (typeof VERIFICATION_STATUSES)[number];

/**
 * Statuses of one attempt. If two events have the same time, the status later in this list wins. A decision
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

/** Whether the attempt is undecided. The other statuses are decisions, which the provider may revise. */
export function isOpen(status: AttemptStatus): status is OpenStatus {
  return OPEN.has(status);
}

/** Proof of origin: signed body, static secret only, or read from the provider's API. */
export const TRUSTS = ['SIGNED', 'TOKEN', 'CONFIRMED'] as const;
export type Trust = (typeof TRUSTS)[number];

/** Result of processing a delivery. */
export const DISPOSITIONS = ['APPLIED', 'UNCHANGED', 'STALE', 'IGNORED', 'QUARANTINED'] as const;
export type Disposition = (typeof DISPOSITIONS)[number];
