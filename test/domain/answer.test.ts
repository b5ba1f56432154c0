/** What a vendor's answer does to what was said before, and where it stands in time. */

import fc from 'fast-check';
import { createDecisions } from '../../src/domain/fold/decisions';
import {
  byOccurrence,
  getResponseDate,
  type RecordedEvent,
} from '../../src/domain/fold/recorded-event';
import { addNanoseconds, toInstantText } from '../../src/domain/instant';
import { foldCourse } from './project';
import { answered, at, denied, heard, recorded, reset, said } from './recorded';

function fold(...events: readonly RecordedEvent[]) {
  return foldCourse([...events].sort(byOccurrence));
}

function told(...events: readonly RecordedEvent[]) {
  return fold(...events).attempts.map(({ status, trust }) => `${status} ${trust}`);
}

const unsigned = (event: RecordedEvent): RecordedEvent => ({ ...event, trust: 'TOKEN' });

describe('an answer without a date', () => {
  it('raises the trust of what it confirms, and changes nothing else', () => {
    const before = fold(unsigned(said(1, 'APPROVED'))).attempts;
    const answer = answered(9, { status: 'APPROVED', providerStatus: 'word' });
    const after = fold(unsigned(said(1, 'APPROVED')), answer).attempts;
    expect(after).toEqual(before.map((run) => ({ ...run, trust: 'CONFIRMED' })));
  });

  it('keeps the trust when a webhook says the same again', () => {
    const again = unsigned(said(12, 'APPROVED'));
    expect(told(said(1, 'APPROVED'), answered(9, { status: 'APPROVED' }), again)).toEqual([
      'APPROVED CONFIRMED',
    ]);
  });

  it('loses it to another word', () => {
    const other = unsigned(said(12, 'REJECTED'));
    expect(told(said(1, 'APPROVED'), answered(9, { status: 'APPROVED' }), other)).toEqual([
      'REJECTED TOKEN',
    ]);
  });

  it('prolongs no approval', () => {
    const standing = answered(9, { status: 'APPROVED', levelStatus: 'VERIFIED' });
    expect(fold(said(1, 'APPROVED'), standing).attempts[0]?.decisions).toEqual(
      createDecisions(at(1)),
    );
    const course = fold(heard(1, 'VERIFIED', 'APPROVED'), standing);
    expect(course.levelStatus).toEqual({ status: 'VERIFIED', decisions: createDecisions(at(1)) });
  });

  it('takes no reasons away by giving none', () => {
    const reasons = [{ code: 'AML', providerCode: 'aml', message: null }] as const;
    const rejected = said(1, 'REJECTED', { reasons, retryable: true });
    const [attempt] = fold(rejected, answered(9, { status: 'REJECTED' })).attempts;
    expect(attempt).toMatchObject({
      trust: 'CONFIRMED',
      rejection: { reasons, retryable: true },
    });
  });

  it('tells of an attempt that nothing was heard of', () => {
    expect(told(said(1, 'REJECTED'), answered(9, { status: 'IN_PROGRESS' }))).toEqual([
      'REJECTED SIGNED',
      'IN_PROGRESS CONFIRMED',
    ]);
  });

  it('is never taken for a late repeat', () => {
    const events = [
      heard(1, 'NOT_VERIFIED', 'PENDING'),
      heard(2, 'VERIFIED', 'APPROVED'),
      answered(3, {
        levelStatus: 'NOT_VERIFIED',
        status: 'PENDING',
        providerStatus: 'NOT_VERIFIED/PENDING',
      }),
    ];
    expect(fold(...events).attempts.at(-1)?.status).toBe('PENDING');
  });

  it('confirms by the lasting state alone', () => {
    const alone = answered(9, { levelStatus: 'VERIFIED' });
    expect(told(unsigned(heard(1, 'VERIFIED', 'APPROVED')), alone)).toEqual(['APPROVED CONFIRMED']);
  });
});

describe('the answer that the level is not verified', () => {
  it('takes an approval back', () => {
    expect(told(said(1, 'APPROVED'), denied(9))).toEqual(['CANCELLED CONFIRMED']);
  });

  it('takes it back behind an attempt that is under way', () => {
    // What forges an approval could forge a new beginning behind it, so that the approval stays.
    const events = [said(1, 'APPROVED'), said(2, 'IN_PROGRESS'), denied(9)];
    expect(told(...events)).toEqual(['CANCELLED CONFIRMED', 'IN_PROGRESS SIGNED']);
  });

  it.each(['PENDING', 'IN_PROGRESS', 'IN_REVIEW', 'REJECTED', 'EXPIRED'] as const)(
    'leaves %s as it is',
    (status) => {
      expect(fold(said(1, status), denied(9)).attempts).toEqual(fold(said(1, status)).attempts);
    },
  );

  it('takes back the lasting state, where the vendor had given one', () => {
    const course = fold(heard(1, 'VERIFIED', 'APPROVED'), denied(9));
    expect(course.levelStatus).toEqual({
      status: 'NOT_VERIFIED',
      decisions: createDecisions(at(9)),
    });
  });

  it('gives way to an approval after it', () => {
    expect(told(said(1, 'APPROVED'), denied(9), said(10, 'APPROVED'))).toEqual([
      'CANCELLED CONFIRMED',
      'APPROVED SIGNED',
    ]);
  });

  it('makes no attempt where there is none', () => {
    expect(told(denied(9))).toEqual([]);
  });
});

describe('the date of an answer', () => {
  const asked = new Date(Date.parse(at(30).slice(0, 23)));
  const received = (event: RecordedEvent, minutes: number) => ({
    ...event,
    receivedAt: at(minutes),
  });

  it('is when it was asked for, where there is only our clock', () => {
    expect(getResponseDate([heard(1, 'NOT_VERIFIED', 'PENDING')], asked)).toBe(at(30));
    expect(getResponseDate([], asked)).toBe(at(30));
  });

  it('is a minute earlier where the vendor has a clock too', () => {
    expect(getResponseDate([said(1, 'PENDING')], asked)).toBe(at(29));
  });

  it('is behind all that was held by then, whatever its date', () => {
    const ahead = received(said(600, 'APPROVED'), 29.9);
    expect(getResponseDate([ahead], asked)).toBe(addNanoseconds(at(600), 1));
    expect(getResponseDate([received(said(29.5, 'APPROVED'), 29.9)], asked)).toBe(
      addNanoseconds(at(29.5), 1),
    );
  });

  it('is before what was said since it was asked for', () => {
    fc.assert(
      fc.property(
        // The vendor's clock is off by less than a minute; the message came after the question.
        fc.integer({ min: -59_000, max: 59_000 }),
        fc.integer({ min: 0, max: 600_000 }),
        (skewMs, afterMs) => {
          const occurredAt = toInstantText(new Date(asked.getTime() + afterMs + skewMs));
          const event = said(1, 'APPROVED', { occurredAt });
          const receivedAt = toInstantText(new Date(asked.getTime() + afterMs + 1));
          const newer = { ...event, receivedAt };
          expect(getResponseDate([said(1, 'PENDING'), newer], asked) < occurredAt).toBe(true);
        },
      ),
    );
  });

  it('is behind an answer before it', () => {
    const first = {
      ...answered(0, { status: 'IN_PROGRESS' }),
      receivedAt: addNanoseconds(at(600), 1),
    };
    const held = [received(said(600, 'PENDING'), 20), first];
    expect(getResponseDate(held, asked)).toBe(addNanoseconds(at(600), 2));
  });

  it('stays behind a reset that was held', () => {
    const held = [said(1, 'APPROVED'), received(reset(29.9), 29.95)];
    const event = {
      ...answered(0, { status: 'PENDING' }),
      receivedAt: getResponseDate(held, asked),
    };
    expect(fold(...held, event).attempts.map(({ status }) => status)).toEqual([
      'CANCELLED',
      'PENDING',
    ]);
  });
});

describe('a nanosecond later', () => {
  it.each([
    ['2024-01-01T00:00:00.000000000Z', '2024-01-01T00:00:00.000000001Z'],
    ['2024-01-01T00:00:00.999999999Z', '2024-01-01T00:00:01.000000000Z'],
    ['2024-12-31T23:59:59.999999999Z', '2025-01-01T00:00:00.000000000Z'],
  ])('than %s', (instant, next) => {
    expect(addNanoseconds(instant, 1)).toBe(next);
  });
});

it('tells an answer apart from a webhook by its trust', () => {
  const event = recorded('x', 1, said(1, 'APPROVED').event);
  expect(fold({ ...event, trust: 'CONFIRMED' }).attempts[0]).toMatchObject({
    trust: 'CONFIRMED',
    decisions: createDecisions(at(1)),
  });
});
