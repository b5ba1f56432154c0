import { createDecisions } from '../../../src/domain/fold/decisions';
import { byOccurrence, type RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { foldAttempts } from './project';
import { account, at, dated, levelChange, reset, undated } from './recorded';

function statuses(events: readonly RecordedEvent[]): readonly string[] {
  return fold(events).attempts.map(({ status }) => status);
}

function fold(events: readonly RecordedEvent[]) {
  return foldAttempts([...events].sort(byOccurrence));
}

describe('attempts of a provider with timestamps', () => {
  it.each([
    [
      'follows one attempt to its decision',
      [dated(1, 'PENDING'), dated(2, 'IN_PROGRESS'), dated(3, 'APPROVED')],
      ['APPROVED'],
    ],
    ['starts an attempt with a decision', [dated(1, 'REJECTED')], ['REJECTED']],
    [
      'starts an attempt if an open status follows a decision',
      [dated(1, 'REJECTED'), dated(2, 'IN_PROGRESS')],
      ['REJECTED', 'IN_PROGRESS'],
    ],
    ['revises a decision', [dated(1, 'APPROVED'), dated(2, 'REJECTED')], ['REJECTED']],
    [
      'revises a rejection to an approval',
      [dated(1, 'REJECTED'), dated(2, 'APPROVED')],
      ['APPROVED'],
    ],
    [
      'changes between open statuses within one attempt',
      [dated(1, 'IN_REVIEW'), dated(2, 'PENDING'), dated(3, 'ACTION_REQUIRED')],
      ['ACTION_REQUIRED'],
    ],
    ['voids an approval at a reset', [dated(1, 'APPROVED'), reset(2)], ['CANCELLED', 'PENDING']],
    [
      'voids an open attempt at a reset',
      [dated(1, 'IN_PROGRESS'), reset(2)],
      ['CANCELLED', 'PENDING'],
    ],
    [
      'keeps a rejection as history at a reset',
      [dated(1, 'REJECTED'), reset(2)],
      ['REJECTED', 'PENDING'],
    ],
    ['starts an attempt with a reset', [reset(2)], ['PENDING']],
    ['keeps an approval at a level change', [dated(1, 'APPROVED'), levelChange(2)], ['APPROVED']],
    [
      'cancels an open attempt at a level change',
      [dated(1, 'PENDING'), levelChange(2)],
      ['CANCELLED'],
    ],
    ['starts no attempt with a level change', [levelChange(2)], []],
    [
      'starts an attempt if the provider returns to a superseded level',
      [dated(1, 'PENDING'), levelChange(2), dated(3, 'APPROVED')],
      ['CANCELLED', 'APPROVED'],
    ],
    [
      'voids at a reset the approval that an open attempt followed',
      [dated(1, 'APPROVED'), dated(2, 'IN_PROGRESS'), reset(3)],
      ['CANCELLED', 'CANCELLED', 'PENDING'],
    ],
    [
      'voids at a reset the approval that a level change history',
      [dated(1, 'APPROVED'), dated(2, 'IN_PROGRESS'), levelChange(3), reset(4)],
      ['CANCELLED', 'CANCELLED', 'PENDING'],
    ],
    [
      'voids attempts of a deleted account after a level change',
      [dated(1, 'APPROVED'), dated(2, 'IN_PROGRESS'), levelChange(3), account(4, 'DELETED')],
      ['CANCELLED', 'CANCELLED'],
    ],
    [
      'voids attempts of a deleted account',
      [dated(1, 'APPROVED'), account(2, 'DELETED')],
      ['CANCELLED'],
    ],
    [
      'keeps attempts of a deactivated account',
      [dated(1, 'APPROVED'), account(2, 'DEACTIVATED')],
      ['APPROVED'],
    ],
    [
      'orders by timestamp, not by arrival',
      [dated(3, 'REJECTED'), dated(1, 'APPROVED'), dated(2, 'IN_PROGRESS')],
      ['APPROVED', 'REJECTED'],
    ],
  ] as const)('%s', (_, events, expected) => {
    expect(statuses(events)).toEqual(expected);
  });

  it.each([
    ['REJECTED over APPROVED', [dated(1, 'APPROVED'), dated(1, 'REJECTED')], ['REJECTED']],
    [
      'APPROVED over ACTION_REQUIRED',
      [dated(1, 'APPROVED'), dated(1, 'ACTION_REQUIRED')],
      ['APPROVED'],
    ],
    [
      'a decision over the open status that started its attempt',
      [dated(0, 'REJECTED'), dated(1, 'PENDING'), dated(1, 'APPROVED')],
      ['REJECTED', 'APPROVED'],
    ],
    ['REJECTED over EXPIRED', [dated(1, 'EXPIRED'), dated(1, 'REJECTED')], ['REJECTED']],
    [
      'REJECTED over ACTION_REQUIRED and APPROVED',
      [dated(1, 'ACTION_REQUIRED'), dated(1, 'APPROVED'), dated(1, 'REJECTED')],
      ['REJECTED'],
    ],
    ['IN_REVIEW over IN_PROGRESS', [dated(1, 'IN_REVIEW'), dated(1, 'IN_PROGRESS')], ['IN_REVIEW']],
    ['a reset over an approval', [dated(1, 'APPROVED'), reset(1)], ['CANCELLED', 'PENDING']],
    [
      'a deletion over all',
      [dated(1, 'APPROVED'), reset(1), account(1, 'DELETED')],
      ['CANCELLED', 'CANCELLED'],
    ],
  ] as const)('prefers %s at equal timestamps', (_, events, expected) => {
    expect(statuses(events)).toEqual(expected);
    expect(statuses([...events].reverse())).toEqual(expected);
  });

  it('distinguishes timestamps by their seventh digit', () => {
    const earlier = dated(1, 'APPROVED', { occurredAt: '2024-01-01T00:00:00.000000100Z' });
    const later = dated(1, 'REJECTED', { occurredAt: '2024-01-01T00:00:00.000000200Z' });
    expect(statuses([later, earlier])).toEqual(['REJECTED']);
    const swapped = [
      dated(1, 'APPROVED', { occurredAt: '2024-01-01T00:00:00.000000200Z' }),
      dated(1, 'REJECTED', { occurredAt: '2024-01-01T00:00:00.000000100Z' }),
    ];
    expect(statuses(swapped)).toEqual(['APPROVED']);
  });

  it('returns the times of the start, the decision and the last change', () => {
    const [attempt] = fold([
      dated(1, 'PENDING'),
      dated(4, 'APPROVED'),
      dated(9, 'APPROVED'),
    ]).attempts;
    expect(attempt).toMatchObject({ startedAt: at(1), decidedAt: at(4), updatedAt: at(4) });
  });

  it('dates a revised decision by the revision', () => {
    const [attempt] = fold([dated(1, 'APPROVED'), dated(7, 'REJECTED')]).attempts;
    expect(attempt).toMatchObject({ startedAt: at(1), decidedAt: at(7), updatedAt: at(7) });
  });

  it('returns reasons only with the status that they belong to', () => {
    const reasons = [{ code: 'FRAUD_SUSPECTED', providerCode: 'FORGERY', message: null }] as const;
    const rejected = fold([dated(1, 'REJECTED', { reasons, retryable: false })]).attempts[0];
    expect(rejected).toMatchObject({ rejection: { retryable: false, reasons }, reviewReasons: [] });
    const approved = fold([dated(1, 'REJECTED', { reasons }), dated(2, 'APPROVED')]).attempts[0];
    expect(approved).toMatchObject({ rejection: null, reviewReasons: [] });
    const reviewed = fold([dated(1, 'IN_REVIEW', { reasons })]).attempts[0];
    expect(reviewed).toMatchObject({ rejection: null, reviewReasons: reasons });
  });

  it('counts new reasons for the same rejection as a change', () => {
    const reasons = [{ code: 'AML', providerCode: null, message: null }] as const;
    const [attempt] = fold([dated(1, 'REJECTED'), dated(2, 'REJECTED', { reasons })]).attempts;
    expect(attempt).toMatchObject({ rejection: { reasons }, decidedAt: at(1), updatedAt: at(2) });
  });

  it('folds the events in one pass', () => {
    const events = Array.from({ length: 1_000 }, (_, minute) =>
      dated(minute, minute % 2 === 0 ? 'IN_PROGRESS' : 'REJECTED'),
    );
    expect(foldAttempts(events.values()).attempts).toHaveLength(500);
  });

  it('folds all events with the same attempt ID into one attempt', () => {
    const ref = { attemptRef: 'action-1' };
    expect(statuses([dated(1, 'APPROVED', ref), dated(2, 'IN_PROGRESS', ref)])).toEqual([
      'IN_PROGRESS',
    ]);
  });
});

describe('attempts of a provider without timestamps', () => {
  it.each([
    [
      'approves',
      [undated(1, 'NOT_VERIFIED', 'PENDING'), undated(2, 'VERIFIED', 'APPROVED')],
      ['APPROVED'],
    ],
    [
      'takes a level status without an attempt status as the missed approval',
      [undated(1, 'NOT_VERIFIED', 'IN_PROGRESS'), undated(2, 'VERIFIED')],
      ['APPROVED'],
    ],
    ['starts an attempt with a verified level', [undated(1, 'VERIFIED')], ['APPROVED']],
    ['starts no attempt with a level that is not verified', [undated(1, 'NOT_VERIFIED')], []],
    [
      'expires an approval',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(20, 'EXPIRED')],
      ['EXPIRED'],
    ],
    [
      'starts a re-verification while the level is verified',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(20, 'VERIFIED', 'PENDING')],
      ['APPROVED', 'PENDING'],
    ],
    [
      'keeps a failed re-verification rejected if the level stays verified',
      [
        undated(1, 'VERIFIED', 'APPROVED'),
        undated(20, 'VERIFIED', 'PENDING'),
        undated(30, 'VERIFIED', 'REJECTED'),
        undated(45, 'VERIFIED'),
      ],
      ['APPROVED', 'REJECTED'],
    ],
    [
      'voids an approval that the provider revokes',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(20, 'NOT_VERIFIED')],
      ['CANCELLED'],
    ],
    [
      'revises an approval to a rejection',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(2, 'NOT_VERIFIED', 'REJECTED')],
      ['REJECTED'],
    ],
    [
      'cancels an attempt that is no longer in progress',
      [undated(1, 'NOT_VERIFIED', 'PENDING'), undated(2, 'NOT_VERIFIED')],
      ['CANCELLED'],
    ],
    [
      'applies a repeated rejection after an approval',
      [
        undated(1, 'NOT_VERIFIED', 'REJECTED'),
        undated(2, 'VERIFIED', 'APPROVED'),
        undated(3, 'NOT_VERIFIED', 'REJECTED'),
      ],
      ['REJECTED'],
    ],
    [
      'ignores a step back to a recent status as a retry',
      [
        undated(1, 'NOT_VERIFIED', 'PENDING'),
        undated(2, 'VERIFIED', 'APPROVED'),
        undated(3, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['APPROVED'],
    ],
    [
      'starts an attempt if the same step back comes later',
      [
        undated(1, 'NOT_VERIFIED', 'PENDING'),
        undated(2, 'NOT_VERIFIED', 'REJECTED'),
        undated(13, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['REJECTED', 'PENDING'],
    ],
    [
      'ignores a recent open status of lower rank as a retry',
      [
        undated(1, 'NOT_VERIFIED', 'PENDING'),
        undated(2, 'NOT_VERIFIED', 'IN_PROGRESS'),
        undated(3, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['IN_PROGRESS'],
    ],
    [
      'applies the same open status if it comes later',
      [
        undated(1, 'NOT_VERIFIED', 'PENDING'),
        undated(2, 'NOT_VERIFIED', 'IN_PROGRESS'),
        undated(13, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['PENDING'],
    ],
    [
      'applies a new open status of lower rank',
      [undated(1, 'NOT_VERIFIED', 'IN_PROGRESS'), undated(2, 'NOT_VERIFIED', 'PENDING')],
      ['PENDING'],
    ],
    [
      'keeps an attempt at a retry of an earlier level status',
      [
        undated(1, 'NOT_VERIFIED'),
        undated(2, 'NOT_VERIFIED', 'PENDING'),
        undated(3, 'NOT_VERIFIED'),
      ],
      ['PENDING'],
    ],
    // A retry of the first approval looks the same as a second revision, and no decision may be lost.
    [
      'applies a repeated approval after a rejection',
      [
        undated(1, 'VERIFIED', 'APPROVED'),
        undated(2, 'NOT_VERIFIED', 'REJECTED'),
        undated(3, 'VERIFIED', 'APPROVED'),
      ],
      ['APPROVED'],
    ],
    [
      'starts an attempt with the open status sent with an expiry',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(20, 'EXPIRED', 'PENDING')],
      ['EXPIRED', 'PENDING'],
    ],
    [
      'starts an attempt with the status IN_PROGRESS sent with an expiry',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(20, 'EXPIRED', 'IN_PROGRESS')],
      ['EXPIRED', 'IN_PROGRESS'],
    ],
    [
      'starts an attempt with the open status sent with a revocation',
      [undated(1, 'VERIFIED', 'APPROVED'), undated(20, 'NOT_VERIFIED', 'PENDING')],
      ['CANCELLED', 'PENDING'],
    ],
  ] as const)('%s', (_, events, expected) => {
    expect(statuses(events)).toEqual(expected);
  });

  it('keeps the level status of the provider separate from the attempts', () => {
    const contradicted = fold([undated(1, 'NOT_VERIFIED', 'APPROVED')]);
    expect(contradicted.levelStatus).toEqual({
      status: 'NOT_VERIFIED',
      decisions: createDecisions(at(1)),
    });
    const history = fold([undated(1, 'VERIFIED', 'APPROVED'), undated(30, 'VERIFIED', 'PENDING')]);
    expect(history.levelStatus).toEqual({ status: 'VERIFIED', decisions: createDecisions(at(1)) });
  });
});
