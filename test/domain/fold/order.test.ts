/** Any order of the same events, with any duplicates, yields the same state. */

import fc from 'fast-check';
import type { RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { toDate } from '../../../src/domain/instant';
import { LEVEL_KINDS } from '../../../src/domain/level';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy';
import { ATTEMPT_STATUSES, VERIFICATION_STATUSES } from '../../../src/domain/status';
import { projectUser } from './project';
import { account, at, dated, levelChange, reset, undated } from './recorded';

/** Few instants, so that ties are common. */
const minute = fc.integer({ min: 0, max: 6 });

const datedEvent = fc.oneof(
  fc
    .record({
      minutes: minute,
      status: fc.constantFrom(...ATTEMPT_STATUSES),
      level: fc.constantFrom('basic', 'plus'),
      levelKind: fc.constantFrom(...LEVEL_KINDS),
      sandbox: fc.boolean(),
      attemptRef: fc.constantFrom(undefined, 'ref-1', 'ref-2'),
    })
    .map(({ minutes, status, level, levelKind, sandbox, attemptRef }) =>
      dated(minutes, status, {
        level,
        levelKind,
        sandbox,
        ...(attemptRef === undefined ? {} : { attemptRef }),
      }),
    ),
  minute.map((minutes) => reset(minutes)),
  minute.map((minutes) => levelChange(minutes)),
  fc
    .tuple(minute, fc.constantFrom('ACTIVE', 'DEACTIVATED', 'DELETED'), fc.boolean())
    .map(([minutes, state, sandbox]) => account(minutes, state, { sandbox })),
);

const undatedEvent = fc
  .tuple(
    fc.integer({ min: 0, max: 60 }),
    fc.constantFrom(...VERIFICATION_STATUSES),
    fc.constantFrom(undefined, 'PENDING', 'IN_PROGRESS', 'REJECTED', 'APPROVED'),
  )
  .map(([minutes, levelStatus, status]) => undated(minutes, levelStatus, status));

/** Generates events, and the same events shuffled with duplicates. */
function eventsInTwoOrders(event: fc.Arbitrary<RecordedEvent>) {
  return fc
    .uniqueArray(event, { selector: ({ key }) => key, minLength: 1, maxLength: 14 })
    .chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.array(fc.constantFrom(...events), { maxLength: 10 }).chain((repeats) =>
          fc.shuffledSubarray([...events, ...repeats], {
            minLength: events.length + repeats.length,
          }),
        ),
      ),
    );
}

/** Approvals expire between the events, so the order of the approvals matters. */
const SHORT_LIFETIME: Policy = { verified: null, expiresAfterMs: { '*': 2 * 60_000 } };

function state(events: readonly RecordedEvent[]): string {
  const identities = [{ provider: 'sumsub', subjectRef: 'subject-1', events }];
  const rules = { policy: DEFAULT_POLICY, acceptSandbox: true, now: new Date('2024-06-01') };
  const short = { policy: SHORT_LIFETIME, acceptSandbox: false, now: toDate(at(6)) };
  return JSON.stringify([projectUser(identities, rules), projectUser(identities, short)]);
}

describe('the projection', () => {
  it('is the same for every order and duplication of events with timestamps', () => {
    fc.assert(
      fc.property(eventsInTwoOrders(datedEvent), ([events, shuffled]) => {
        expect(state(shuffled)).toBe(state(events));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same for every order and duplication of events without timestamps', () => {
    fc.assert(
      fc.property(eventsInTwoOrders(undatedEvent), ([events, shuffled]) => {
        expect(state(shuffled)).toBe(state(events));
      }),
      { numRuns: 2_000 },
    );
  });

  it('ignores a retry in direct succession', () => {
    const distinctEvents = fc.uniqueArray(undatedEvent, {
      selector: ({ receivedAt }) => receivedAt,
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(distinctEvents, fc.nat(), (events, pick) => {
        const repeated = events[pick % events.length];
        if (repeated === undefined) return;
        const receivedAt = repeated.receivedAt.replace('000Z', '001Z');
        const again = { ...repeated, key: `${repeated.key} again`, receivedAt };
        expect(state([...events, again])).toBe(state(events));
      }),
      { numRuns: 2_000 },
    );
  });

  it('numbers the attempts of a level 1, 2, 3 … in the order of their start', () => {
    fc.assert(
      fc.property(fc.array(datedEvent, { maxLength: 14 }), (events) => {
        const rules = { policy: DEFAULT_POLICY, acceptSandbox: true, now: new Date('2024-06-01') };
        const { identities } = projectUser([{ provider: 'p', subjectRef: 's', events }], rules);
        for (const level of ['p/basic', 'p/plus']) {
          const attempts =
            identities[0]?.attempts.filter(({ levelKey }) => levelKey === level) ?? [];
          expect(attempts.map(({ number }) => number)).toEqual(
            attempts.map((_, index) => index + 1),
          );
          const starts = attempts.map(({ startedAt }) => startedAt);
          expect(starts).toEqual([...starts].sort());
        }
      }),
    );
  });

  it('never verifies a level without an approval', () => {
    const cautious = datedEvent.filter(
      ({ event }) => !(event.type === 'STATUS' && event.status === 'APPROVED'),
    );
    fc.assert(
      fc.property(fc.array(cautious, { maxLength: 14 }), (events) => {
        expect(state(events)).not.toContain('"VERIFIED"');
      }),
    );
  });
});
