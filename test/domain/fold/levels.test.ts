/** Levels over time: which approvals count after level changes, resets and reviews. */

import fc from 'fast-check';
import type { RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy';
import { isOpen } from '../../../src/domain/status';
import { projectUser } from './project';
import { dated, levelChange, reset } from './recorded';

const LEVELS = ['l1', 'l2', 'l3'] as const;
type Name = (typeof LEVELS)[number];

type Step =
  | {
      readonly type: 'REVIEW';
      readonly level: Name;
      readonly verdict: 'APPROVED' | 'REJECTED' | 'IN_PROGRESS';
    }
  | { readonly type: 'CHANGE'; readonly from: Name; readonly to: Name }
  | { readonly type: 'RESET'; readonly level: Name };

/** Reference model of the rules in the README, without attempts. */
class Model {
  readonly approved = new Set<Name>();
  readonly superseded = new Set<Name>();
  readonly seen = new Set<Name>();

  take(step: Step): void {
    if (step.type === 'REVIEW') {
      this.see(step.level);
      if (step.verdict === 'APPROVED') this.approved.add(step.level);
      if (step.verdict === 'REJECTED') this.approved.delete(step.level);
    } else if (step.type === 'RESET') {
      this.see(step.level);
      this.approved.clear();
    } else {
      if (this.seen.has(step.from)) this.superseded.add(step.from);
      this.see(step.to);
    }
  }

  private see(level: Name): void {
    this.seen.add(level);
    this.superseded.delete(level);
  }
}

function toEvents(step: Step, minutes: number): readonly RecordedEvent[] {
  switch (step.type) {
    case 'REVIEW':
      return [dated(minutes, step.verdict, { level: step.level })];
    case 'RESET':
      return [reset(minutes, step.level)];
    case 'CHANGE':
      return [levelChange(minutes, step.from), dated(minutes, 'PENDING', { level: step.to })];
  }
}

const level = fc.constantFrom(...LEVELS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('REVIEW' as const),
    level,
    verdict: fc.constantFrom('APPROVED' as const, 'REJECTED' as const, 'IN_PROGRESS' as const),
  }),
  fc
    .record({ type: fc.constant('CHANGE' as const), from: level, to: level })
    .filter(({ from, to }) => from !== to),
  fc.record({ type: fc.constant('RESET' as const), level }),
);

function project(events: readonly RecordedEvent[], policy: Policy = DEFAULT_POLICY) {
  const identities = [{ provider: 'p', subjectRef: 'subject-1', events }];
  return projectUser(identities, { policy, acceptSandbox: false, now: new Date('2024-06-01') });
}

const rules = LEVELS.map((name) => ({ level: `p/${name}` }));
const ALL: Policy = { ...DEFAULT_POLICY, verified: { allOf: rules } };
const ANY: Policy = { ...DEFAULT_POLICY, verified: { anyOf: rules } };

it('counts exactly the approvals that were not voided, in any order of arrival', () => {
  const arrivals = fc.array(step, { maxLength: 10 }).chain((steps) => {
    const events = steps.flatMap(toEvents);
    return fc.tuple(fc.constant(steps), fc.shuffledSubarray(events, { minLength: events.length }));
  });
  fc.assert(
    fc.property(arrivals, ([steps, events]) => {
      const model = new Model();
      for (const one of steps) model.take(one);
      const { levels, identities, verification } = project(events);
      expect(levels.map((one) => [one.levelKey, one.status, one.superseded])).toEqual(
        LEVELS.filter((name) => model.seen.has(name)).map((name) => [
          `p/${name}`,
          model.approved.has(name) ? 'VERIFIED' : 'NOT_VERIFIED',
          model.superseded.has(name),
        ]),
      );
      const attempts = identities.flatMap((one) => one.attempts);
      for (const name of LEVELS) {
        const statuses = attempts
          .filter((attempt) => attempt.levelKey === `p/${name}`)
          .map((attempt) => attempt.status);
        if (model.superseded.has(name)) expect(statuses.some(isOpen)).toBe(false);
        if (model.approved.has(name)) expect(statuses).toContain('APPROVED');
      }
      const current = [...model.seen].filter((name) => !model.superseded.has(name));
      const byDefault = current.length > 0 && current.every((name) => model.approved.has(name));
      expect(verification.status === 'VERIFIED').toBe(byDefault);
      expect(project(events, ALL).verification.status === 'VERIFIED').toBe(
        model.approved.size === LEVELS.length,
      );
      expect(project(events, ANY).verification.status === 'VERIFIED').toBe(model.approved.size > 0);
    }),
    { numRuns: 1_000, endOnFailure: true },
  );
});

describe('an upgrade from one level to another', () => {
  const upgraded = [
    dated(1, 'APPROVED', { level: 'l1' }),
    levelChange(2, 'l1'),
    dated(2, 'PENDING', { level: 'l2' }),
  ];
  const completed = [...upgraded, dated(3, 'APPROVED', { level: 'l2' })];
  const both: Policy = { ...DEFAULT_POLICY, verified: { allOf: rules.slice(0, 2) } };
  const either: Policy = { ...DEFAULT_POLICY, verified: { anyOf: rules.slice(0, 2) } };

  // Regression: the level change cancelled the approval, so `allOf` of two levels was never met.
  it('keeps the approval for a policy with both levels', () => {
    expect(project(completed, both).verification).toMatchObject({
      status: 'VERIFIED',
      because: ['p/l1', 'p/l2'],
    });
    expect(project(upgraded, both).verification).toMatchObject({ missing: ['p/l2'] });
    expect(project(upgraded, either).verification).toMatchObject({ status: 'VERIFIED' });
    const [attempt] = project(upgraded).identities[0]?.attempts ?? [];
    expect(attempt).toMatchObject({ levelKey: 'p/l1', status: 'APPROVED' });
  });

  it('leaves the user unverified by default until the new level is approved', () => {
    expect(project(upgraded).verification).toMatchObject({
      status: 'NOT_VERIFIED',
      missing: ['p/l2'],
    });
    expect(project(completed).verification).toMatchObject({
      status: 'VERIFIED',
      because: ['p/l2'],
    });
  });

  it('keeps the approval although a re-verification at the previous level was open', () => {
    const reverified = [dated(1.5, 'IN_PROGRESS', { level: 'l1' }), ...upgraded];
    const { levels, identities } = project(reverified);
    expect(levels[0]).toMatchObject({ levelKey: 'p/l1', status: 'VERIFIED', superseded: true });
    expect(identities[0]?.attempts.map(({ status }) => status)).toEqual([
      'APPROVED',
      'CANCELLED',
      'PENDING',
    ]);
  });

  it('loses every approval at a reset, except those of ACTION levels', () => {
    const action = { level: 'card', levelKind: 'ACTION', attemptRef: 'a-1' } as const;
    const { levels } = project([...completed, dated(1, 'APPROVED', action), reset(4, 'l2')], both);
    expect(levels.map(({ levelKey, status }) => [levelKey, status])).toEqual([
      ['p/card', 'VERIFIED'],
      ['p/l1', 'NOT_VERIFIED'],
      ['p/l2', 'NOT_VERIFIED'],
    ]);
  });

  it('counts the approval of an account that left the level, with another account still at it', () => {
    const other = {
      provider: 'p',
      subjectRef: 'b',
      events: [dated(1, 'PENDING', { level: 'l1' })],
    };
    const left = { provider: 'p', subjectRef: 'a', events: upgraded };
    const settings = { policy: either, acceptSandbox: false, now: new Date('2024-06-01') };
    expect(projectUser([left, other], settings).levels[0]).toMatchObject({
      status: 'VERIFIED',
      superseded: false,
    });
  });
});
