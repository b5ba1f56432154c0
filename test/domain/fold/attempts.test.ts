import { createDecisions } from '../../../src/domain/fold/decisions';
import { byOccurrence, type RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { foldCourse } from '../project';
import { account, at, heard, levelChange, reset, said } from '../recorded';

function statuses(events: readonly RecordedEvent[]): readonly string[] {
  return fold(events).attempts.map(({ status }) => status);
}

function fold(events: readonly RecordedEvent[]) {
  return foldCourse([...events].sort(byOccurrence));
}

describe('attempts of a vendor with a clock', () => {
  it.each([
    [
      'follows one attempt to its decision',
      [said(1, 'PENDING'), said(2, 'IN_PROGRESS'), said(3, 'APPROVED')],
      ['APPROVED'],
    ],
    ['opens at a decision when nothing was heard before', [said(1, 'REJECTED')], ['REJECTED']],
    [
      'opens a new attempt when an open word follows a decision',
      [said(1, 'REJECTED'), said(2, 'IN_PROGRESS')],
      ['REJECTED', 'IN_PROGRESS'],
    ],
    ['lets a decision revise a decision', [said(1, 'APPROVED'), said(2, 'REJECTED')], ['REJECTED']],
    [
      'lets a rejection turn into an approval',
      [said(1, 'REJECTED'), said(2, 'APPROVED')],
      ['APPROVED'],
    ],
    [
      'goes back and forth among open words in one attempt',
      [said(1, 'IN_REVIEW'), said(2, 'PENDING'), said(3, 'ACTION_REQUIRED')],
      ['ACTION_REQUIRED'],
    ],
    ['voids an approval at a reset', [said(1, 'APPROVED'), reset(2)], ['CANCELLED', 'PENDING']],
    [
      'voids an open attempt at a reset',
      [said(1, 'IN_PROGRESS'), reset(2)],
      ['CANCELLED', 'PENDING'],
    ],
    [
      'keeps a rejection as history at a reset',
      [said(1, 'REJECTED'), reset(2)],
      ['REJECTED', 'PENDING'],
    ],
    ['begins at a reset of which nothing was known', [reset(2)], ['PENDING']],
    ['keeps an approval at a level change', [said(1, 'APPROVED'), levelChange(2)], ['APPROVED']],
    [
      'cancels an open attempt at a level change',
      [said(1, 'PENDING'), levelChange(2)],
      ['CANCELLED'],
    ],
    ['makes no attempt of a level change alone', [levelChange(2)], []],
    [
      'opens a new attempt when the vendor returns to a superseded level',
      [said(1, 'PENDING'), levelChange(2), said(3, 'APPROVED')],
      ['CANCELLED', 'APPROVED'],
    ],
    [
      'voids at a reset the approval that an open attempt followed',
      [said(1, 'APPROVED'), said(2, 'IN_PROGRESS'), reset(3)],
      ['CANCELLED', 'CANCELLED', 'PENDING'],
    ],
    [
      'voids at a reset the approval that a level change kept',
      [said(1, 'APPROVED'), said(2, 'IN_PROGRESS'), levelChange(3), reset(4)],
      ['CANCELLED', 'CANCELLED', 'PENDING'],
    ],
    [
      'voids attempts of a deleted account after a level change',
      [said(1, 'APPROVED'), said(2, 'IN_PROGRESS'), levelChange(3), account(4, 'DELETED')],
      ['CANCELLED', 'CANCELLED'],
    ],
    [
      'voids attempts of a deleted account',
      [said(1, 'APPROVED'), account(2, 'DELETED')],
      ['CANCELLED'],
    ],
    [
      'leaves attempts of a deactivated account alone',
      [said(1, 'APPROVED'), account(2, 'DEACTIVATED')],
      ['APPROVED'],
    ],
    [
      'lets the clock decide, not arrival',
      [said(3, 'REJECTED'), said(1, 'APPROVED'), said(2, 'IN_PROGRESS')],
      ['APPROVED', 'REJECTED'],
    ],
  ] as const)('%s', (_, events, expected) => {
    expect(statuses(events)).toEqual(expected);
  });

  it.each([
    ['REJECTED over APPROVED', [said(1, 'APPROVED'), said(1, 'REJECTED')], ['REJECTED']],
    [
      'APPROVED over ACTION_REQUIRED',
      [said(1, 'APPROVED'), said(1, 'ACTION_REQUIRED')],
      ['APPROVED'],
    ],
    [
      'the decision of an attempt over the open status that began it',
      [said(0, 'REJECTED'), said(1, 'PENDING'), said(1, 'APPROVED')],
      ['REJECTED', 'APPROVED'],
    ],
    ['REJECTED over EXPIRED', [said(1, 'EXPIRED'), said(1, 'REJECTED')], ['REJECTED']],
    [
      'REJECTED over ACTION_REQUIRED and APPROVED',
      [said(1, 'ACTION_REQUIRED'), said(1, 'APPROVED'), said(1, 'REJECTED')],
      ['REJECTED'],
    ],
    ['IN_REVIEW over IN_PROGRESS', [said(1, 'IN_REVIEW'), said(1, 'IN_PROGRESS')], ['IN_REVIEW']],
    ['a reset over an approval', [said(1, 'APPROVED'), reset(1)], ['CANCELLED', 'PENDING']],
    [
      'a deletion over all',
      [said(1, 'APPROVED'), reset(1), account(1, 'DELETED')],
      ['CANCELLED', 'CANCELLED'],
    ],
  ] as const)('in one instant prefers %s', (_, events, expected) => {
    expect(statuses(events)).toEqual(expected);
    expect(statuses([...events].reverse())).toEqual(expected);
  });

  it('tells apart instants that differ in the seventh digit', () => {
    const earlier = said(1, 'APPROVED', { occurredAt: '2024-01-01T00:00:00.000000100Z' });
    const later = said(1, 'REJECTED', { occurredAt: '2024-01-01T00:00:00.000000200Z' });
    expect(statuses([later, earlier])).toEqual(['REJECTED']);
    const swapped = [
      said(1, 'APPROVED', { occurredAt: '2024-01-01T00:00:00.000000200Z' }),
      said(1, 'REJECTED', { occurredAt: '2024-01-01T00:00:00.000000100Z' }),
    ];
    expect(statuses(swapped)).toEqual(['APPROVED']);
  });

  it('keeps when an attempt started, was decided, and last changed', () => {
    const [attempt] = fold([said(1, 'PENDING'), said(4, 'APPROVED'), said(9, 'APPROVED')]).attempts;
    expect(attempt).toMatchObject({ startedAt: at(1), decidedAt: at(4), updatedAt: at(4) });
  });

  it('dates a revised decision by its revision', () => {
    const [attempt] = fold([said(1, 'APPROVED'), said(7, 'REJECTED')]).attempts;
    expect(attempt).toMatchObject({ startedAt: at(1), decidedAt: at(7), updatedAt: at(7) });
  });

  it('has reasons only while they apply', () => {
    const reasons = [{ code: 'FRAUD_SUSPECTED', providerCode: 'FORGERY', message: null }] as const;
    const rejected = fold([said(1, 'REJECTED', { reasons, retryable: false })]).attempts[0];
    expect(rejected).toMatchObject({ rejection: { retryable: false, reasons }, reviewReasons: [] });
    const approved = fold([said(1, 'REJECTED', { reasons }), said(2, 'APPROVED')]).attempts[0];
    expect(approved).toMatchObject({ rejection: null, reviewReasons: [] });
    const reviewed = fold([said(1, 'IN_REVIEW', { reasons })]).attempts[0];
    expect(reviewed).toMatchObject({ rejection: null, reviewReasons: reasons });
  });

  it('takes new reasons for the same rejection as a change, at their time', () => {
    const reasons = [{ code: 'AML', providerCode: null, message: null }] as const;
    const [attempt] = fold([said(1, 'REJECTED'), said(2, 'REJECTED', { reasons })]).attempts;
    expect(attempt).toMatchObject({ rejection: { reasons }, decidedAt: at(1), updatedAt: at(2) });
  });

  it('are told in one reading of the events', () => {
    const events = Array.from({ length: 1_000 }, (_, minute) =>
      said(minute, minute % 2 === 0 ? 'IN_PROGRESS' : 'REJECTED'),
    );
    expect(foldCourse(events.values()).attempts).toHaveLength(500);
  });

  it('makes one attempt of all events that bear the vendor’s id of it', () => {
    const ref = { attemptRef: 'action-1' };
    expect(statuses([said(1, 'APPROVED', ref), said(2, 'IN_PROGRESS', ref)])).toEqual([
      'IN_PROGRESS',
    ]);
  });
});

describe('attempts of a vendor without a clock', () => {
  it.each([
    [
      'approves',
      [heard(1, 'NOT_VERIFIED', 'PENDING'), heard(2, 'VERIFIED', 'APPROVED')],
      ['APPROVED'],
    ],
    [
      'takes the lasting word alone for the missed approval',
      [heard(1, 'NOT_VERIFIED', 'IN_PROGRESS'), heard(2, 'VERIFIED')],
      ['APPROVED'],
    ],
    [
      'opens an attempt for a lasting approval of which nothing was known',
      [heard(1, 'VERIFIED')],
      ['APPROVED'],
    ],
    ['makes no attempt of a user who is not verified', [heard(1, 'NOT_VERIFIED')], []],
    ['expires an approval', [heard(1, 'VERIFIED', 'APPROVED'), heard(20, 'EXPIRED')], ['EXPIRED']],
    [
      'opens a re-verification beside a standing approval',
      [heard(1, 'VERIFIED', 'APPROVED'), heard(20, 'VERIFIED', 'PENDING')],
      ['APPROVED', 'PENDING'],
    ],
    [
      'leaves a failed re-verification rejected when the old approval is confirmed',
      [
        heard(1, 'VERIFIED', 'APPROVED'),
        heard(20, 'VERIFIED', 'PENDING'),
        heard(30, 'VERIFIED', 'REJECTED'),
        heard(45, 'VERIFIED'),
      ],
      ['APPROVED', 'REJECTED'],
    ],
    [
      'voids an approval that the vendor takes back',
      [heard(1, 'VERIFIED', 'APPROVED'), heard(20, 'NOT_VERIFIED')],
      ['CANCELLED'],
    ],
    [
      'revises an approval into a rejection',
      [heard(1, 'VERIFIED', 'APPROVED'), heard(2, 'NOT_VERIFIED', 'REJECTED')],
      ['REJECTED'],
    ],
    [
      'ends an attempt that is no longer handled',
      [heard(1, 'NOT_VERIFIED', 'PENDING'), heard(2, 'NOT_VERIFIED')],
      ['CANCELLED'],
    ],
    [
      'counts the same words again, in between others, as news',
      [
        heard(1, 'NOT_VERIFIED', 'REJECTED'),
        heard(2, 'VERIFIED', 'APPROVED'),
        heard(3, 'NOT_VERIFIED', 'REJECTED'),
      ],
      ['REJECTED'],
    ],
    [
      'takes a step back to a word of the last minutes for a retry',
      [
        heard(1, 'NOT_VERIFIED', 'PENDING'),
        heard(2, 'VERIFIED', 'APPROVED'),
        heard(3, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['APPROVED'],
    ],
    [
      'takes the same step back, later, for a new attempt',
      [
        heard(1, 'NOT_VERIFIED', 'PENDING'),
        heard(2, 'NOT_VERIFIED', 'REJECTED'),
        heard(13, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['REJECTED', 'PENDING'],
    ],
    [
      'takes an open word of the last minutes that ranks lower for a retry',
      [
        heard(1, 'NOT_VERIFIED', 'PENDING'),
        heard(2, 'NOT_VERIFIED', 'IN_PROGRESS'),
        heard(3, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['IN_PROGRESS'],
    ],
    [
      'takes the same open word, later, as news',
      [
        heard(1, 'NOT_VERIFIED', 'PENDING'),
        heard(2, 'NOT_VERIFIED', 'IN_PROGRESS'),
        heard(13, 'NOT_VERIFIED', 'PENDING'),
      ],
      ['PENDING'],
    ],
    [
      'takes an open word that ranks lower and was not said before as news',
      [heard(1, 'NOT_VERIFIED', 'IN_PROGRESS'), heard(2, 'NOT_VERIFIED', 'PENDING')],
      ['PENDING'],
    ],
    [
      'does not end an attempt by a retry of what was said before it',
      [heard(1, 'NOT_VERIFIED'), heard(2, 'NOT_VERIFIED', 'PENDING'), heard(3, 'NOT_VERIFIED')],
      ['PENDING'],
    ],
    // A retry of the first cannot be told from a change of mind; decisions are never dropped.
    [
      'takes an approval after a rejection as news, also where the same approval came before',
      [
        heard(1, 'VERIFIED', 'APPROVED'),
        heard(2, 'NOT_VERIFIED', 'REJECTED'),
        heard(3, 'VERIFIED', 'APPROVED'),
      ],
      ['APPROVED'],
    ],
    [
      'opens an attempt at the word that comes with the end of an approval',
      [heard(1, 'VERIFIED', 'APPROVED'), heard(20, 'EXPIRED', 'PENDING')],
      ['EXPIRED', 'PENDING'],
    ],
    [
      'opens it also where the vendor is at work already',
      [heard(1, 'VERIFIED', 'APPROVED'), heard(20, 'EXPIRED', 'IN_PROGRESS')],
      ['EXPIRED', 'IN_PROGRESS'],
    ],
    [
      'opens an attempt at the word that comes with the loss of an approval',
      [heard(1, 'VERIFIED', 'APPROVED'), heard(20, 'NOT_VERIFIED', 'PENDING')],
      ['CANCELLED', 'PENDING'],
    ],
  ] as const)('%s', (_, events, expected) => {
    expect(statuses(events)).toEqual(expected);
  });

  it('keeps the vendor’s own word on the lasting state beside the attempts', () => {
    const contradicted = fold([heard(1, 'NOT_VERIFIED', 'APPROVED')]);
    expect(contradicted.levelStatus).toEqual({
      status: 'NOT_VERIFIED',
      decisions: createDecisions(at(1)),
    });
    const kept = fold([heard(1, 'VERIFIED', 'APPROVED'), heard(30, 'VERIFIED', 'PENDING')]);
    expect(kept.levelStatus).toEqual({ status: 'VERIFIED', decisions: createDecisions(at(1)) });
  });
});
