/** Effect of status responses on earlier events, and their effective dates. */

import fc from 'fast-check';
import { createDecisions } from '../../../src/domain/fold/decisions';
import {
  byOccurrence,
  getResponseDate,
  type RecordedEvent,
} from '../../../src/domain/fold/recorded-event';
import { addNanoseconds, toInstantText } from '../../../src/domain/instant';
import { foldAttempts } from './project';
import { at, dated, recorded, reset, response, undated, unverified } from './recorded';

function fold(...events: readonly RecordedEvent[]) {
  return foldAttempts([...events].sort(byOccurrence));
}

function statuses(...events: readonly RecordedEvent[]) {
  return fold(...events).attempts.map(({ status, trust }) => `${status} ${trust}`);
}

const unsigned = (event: RecordedEvent): RecordedEvent => ({ ...event, trust: 'TOKEN' });

describe('a response without a timestamp', () => {
  it('raises the trust of the attempt that it confirms, and changes nothing else', () => {
    const before = fold(unsigned(dated(1, 'APPROVED'))).attempts;
    const answer = response(9, { status: 'APPROVED', providerStatus: 'raw status' });
    const after = fold(unsigned(dated(1, 'APPROVED')), answer).attempts;
    expect(after).toEqual(before.map((run) => ({ ...run, trust: 'CONFIRMED' })));
  });

  it('stays confirmed after a webhook with the same status', () => {
    const again = unsigned(dated(12, 'APPROVED'));
    expect(statuses(dated(1, 'APPROVED'), response(9, { status: 'APPROVED' }), again)).toEqual([
      'APPROVED CONFIRMED',
    ]);
  });

  it('loses the trust to a webhook with another status', () => {
    const other = unsigned(dated(12, 'REJECTED'));
    expect(statuses(dated(1, 'APPROVED'), response(9, { status: 'APPROVED' }), other)).toEqual([
      'REJECTED TOKEN',
    ]);
  });

  it('does not extend an approval', () => {
    const standing = response(9, { status: 'APPROVED', levelStatus: 'VERIFIED' });
    expect(fold(dated(1, 'APPROVED'), standing).attempts[0]?.decisions).toEqual(
      createDecisions(at(1)),
    );
    const history = fold(undated(1, 'VERIFIED', 'APPROVED'), standing);
    expect(history.levelStatus).toEqual({ status: 'VERIFIED', decisions: createDecisions(at(1)) });
  });

  it('keeps the reasons if it has none', () => {
    const reasons = [{ code: 'AML', providerCode: 'aml', message: null }] as const;
    const rejected = dated(1, 'REJECTED', { reasons, retryable: true });
    const [attempt] = fold(rejected, response(9, { status: 'REJECTED' })).attempts;
    expect(attempt).toMatchObject({
      trust: 'CONFIRMED',
      rejection: { reasons, retryable: true },
    });
  });

  it('starts an attempt that no webhook reported', () => {
    expect(statuses(dated(1, 'REJECTED'), response(9, { status: 'IN_PROGRESS' }))).toEqual([
      'REJECTED SIGNED',
      'IN_PROGRESS CONFIRMED',
    ]);
  });

  it('never counts as a late retry', () => {
    const events = [
      undated(1, 'NOT_VERIFIED', 'PENDING'),
      undated(2, 'VERIFIED', 'APPROVED'),
      response(3, {
        levelStatus: 'NOT_VERIFIED',
        status: 'PENDING',
        providerStatus: 'NOT_VERIFIED/PENDING',
      }),
    ];
    expect(fold(...events).attempts.at(-1)?.status).toBe('PENDING');
  });

  it('confirms an attempt by the level status alone', () => {
    const alone = response(9, { levelStatus: 'VERIFIED' });
    expect(statuses(unsigned(undated(1, 'VERIFIED', 'APPROVED')), alone)).toEqual([
      'APPROVED CONFIRMED',
    ]);
  });
});

describe('a response that the level is not verified', () => {
  it('voids an approval', () => {
    expect(statuses(dated(1, 'APPROVED'), unverified(9))).toEqual(['CANCELLED CONFIRMED']);
  });

  it('voids an approval before an open attempt', () => {
    // An attacker who forges an approval could also forge a new attempt after it to keep the approval.
    const events = [dated(1, 'APPROVED'), dated(2, 'IN_PROGRESS'), unverified(9)];
    expect(statuses(...events)).toEqual(['CANCELLED CONFIRMED', 'IN_PROGRESS SIGNED']);
  });

  it.each(['PENDING', 'IN_PROGRESS', 'IN_REVIEW', 'REJECTED', 'EXPIRED'] as const)(
    'keeps %s',
    (status) => {
      expect(fold(dated(1, status), unverified(9)).attempts).toEqual(
        fold(dated(1, status)).attempts,
      );
    },
  );

  it('revokes the level status that the provider sent', () => {
    const history = fold(undated(1, 'VERIFIED', 'APPROVED'), unverified(9));
    expect(history.levelStatus).toEqual({
      status: 'NOT_VERIFIED',
      decisions: createDecisions(at(9)),
    });
  });

  it('yields to a later approval', () => {
    expect(statuses(dated(1, 'APPROVED'), unverified(9), dated(10, 'APPROVED'))).toEqual([
      'CANCELLED CONFIRMED',
      'APPROVED SIGNED',
    ]);
  });

  it('starts no attempt', () => {
    expect(statuses(unverified(9))).toEqual([]);
  });
});

describe('the effective date of a response', () => {
  const requestedAt = new Date(Date.parse(at(30).slice(0, 23)));
  const received = (event: RecordedEvent, minutes: number) => ({
    ...event,
    receivedAt: at(minutes),
  });

  it('is the time of the request if the provider sends no timestamps', () => {
    expect(getResponseDate([undated(1, 'NOT_VERIFIED', 'PENDING')], requestedAt)).toBe(at(30));
    expect(getResponseDate([], requestedAt)).toBe(at(30));
  });

  it('is one minute before the request if the provider sends timestamps', () => {
    expect(getResponseDate([dated(1, 'PENDING')], requestedAt)).toBe(at(29));
  });

  it('is after every event stored before the request, regardless of its date', () => {
    const ahead = received(dated(600, 'APPROVED'), 29.9);
    expect(getResponseDate([ahead], requestedAt)).toBe(addNanoseconds(at(600), 1));
    expect(getResponseDate([received(dated(29.5, 'APPROVED'), 29.9)], requestedAt)).toBe(
      addNanoseconds(at(29.5), 1),
    );
  });

  it('is before every event after the request', () => {
    fc.assert(
      fc.property(
        // The provider's clock differs by less than a minute. The webhook arrives after the request.
        fc.integer({ min: -59_000, max: 59_000 }),
        fc.integer({ min: 0, max: 600_000 }),
        (skewMs, afterMs) => {
          const occurredAt = toInstantText(new Date(requestedAt.getTime() + afterMs + skewMs));
          const event = dated(1, 'APPROVED', { occurredAt });
          const receivedAt = toInstantText(new Date(requestedAt.getTime() + afterMs + 1));
          const newer = { ...event, receivedAt };
          expect(getResponseDate([dated(1, 'PENDING'), newer], requestedAt) < occurredAt).toBe(
            true,
          );
        },
      ),
    );
  });

  it('is after an earlier response', () => {
    const first = {
      ...response(0, { status: 'IN_PROGRESS' }),
      receivedAt: addNanoseconds(at(600), 1),
    };
    const stored = [received(dated(600, 'PENDING'), 20), first];
    expect(getResponseDate(stored, requestedAt)).toBe(addNanoseconds(at(600), 2));
  });

  it('is after a stored reset', () => {
    const stored = [dated(1, 'APPROVED'), received(reset(29.9), 29.95)];
    const event = {
      ...response(0, { status: 'PENDING' }),
      receivedAt: getResponseDate(stored, requestedAt),
    };
    expect(fold(...stored, event).attempts.map(({ status }) => status)).toEqual([
      'CANCELLED',
      'PENDING',
    ]);
  });
});

describe('addNanoseconds', () => {
  it.each([
    ['2024-01-01T00:00:00.000000000Z', '2024-01-01T00:00:00.000000001Z'],
    ['2024-01-01T00:00:00.999999999Z', '2024-01-01T00:00:01.000000000Z'],
    ['2024-12-31T23:59:59.999999999Z', '2025-01-01T00:00:00.000000000Z'],
  ])('adds one nanosecond to %s', (instant, next) => {
    expect(addNanoseconds(instant, 1)).toBe(next);
  });
});

it('counts a response with a timestamp as a decision', () => {
  const event = recorded('x', 1, dated(1, 'APPROVED').event);
  expect(fold({ ...event, trust: 'CONFIRMED' }).attempts[0]).toMatchObject({
    trust: 'CONFIRMED',
    decisions: createDecisions(at(1)),
  });
});
