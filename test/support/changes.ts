/** Log entries to test with. */

import type { Change } from '../../src/domain/change';
import type { LogPosition } from '../../src/domain/cursor';

/** A change log entry for user 1 at Sumsub with an open attempt, overridden by `parts`. */
export function aChange(parts: Partial<Change> & { readonly seq: number }): Change {
  return {
    userId: 1,
    provider: 'sumsub',
    levelKey: 'sumsub/basic-kyc-level',
    attemptId: 1,
    attemptStatus: 'IN_PROGRESS',
    previousAttemptStatus: 'PENDING',
    levelStatus: 'NOT_VERIFIED',
    previousLevelStatus: 'NOT_VERIFIED',
    verificationStatus: 'NOT_VERIFIED',
    previousVerificationStatus: 'NOT_VERIFIED',
    active: true,
    previousActive: true,
    rejection: null,
    cause: { kind: 'DELIVERY', deliveryId: 1, actor: null, mergedUserId: null },
    occurredAt: '2025-01-01T00:00:00.000000000Z',
    recordedAt: new Date('2025-01-01T00:00:00Z'),
    nonce: 1000 + parts.seq,
    ...parts,
  };
}

/** The entry of one user going into another. */
export function aMerge(seq: number, from: number, into: number): Change {
  return aChange({
    seq,
    userId: into,
    provider: null,
    levelKey: null,
    attemptId: null,
    attemptStatus: null,
    previousAttemptStatus: null,
    levelStatus: null,
    previousLevelStatus: null,
    cause: { kind: 'MERGE', deliveryId: null, actor: 'operator', mergedUserId: from },
  });
}

/** The same without what differs each time that it is written. */
export function withoutNonces<Outcome extends { readonly changes: readonly Change[] }>(
  outcome: Outcome,
): object {
  return { ...outcome, changes: outcome.changes.map((change) => ({ ...change, nonce: null })) };
}

/** A position whose entry is not checked, as in cursors of older releases. */
export function at(seq: number): LogPosition {
  return { seq, nonce: null };
}
