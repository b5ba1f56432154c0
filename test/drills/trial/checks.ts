/** Counts violations: lost, duplicated, disordered or wrong results. */

import type { Plan, Post } from './deliveries';
import { breaksIn, gapsIn, type LogEntry } from './log-entries';

export interface KeptDelivery {
  /** As GraphQL has it: `FRACTAL_ID`. */
  readonly provider: string;
  readonly rawBody: string | null;
  readonly duplicates: number;
}

export interface Evidence {
  readonly plan: Plan;
  readonly acknowledged: readonly Post[];
  /** Requests made in all. */
  readonly sent: number;
  readonly kept: readonly KeptDelivery[];
  readonly log: readonly LogEntry[];
  /** Cursors of what each subscriber was given. */
  readonly seen: readonly (readonly string[])[];
  readonly state: readonly string[];
  /** State of a gateway that received the same deliveries in order, without disturbance. */
  readonly undisturbedState: readonly string[];
}

/** The promise that a failed check violates. */
export const FAULTS = ['LOST', 'TWICE', 'GAP', 'WRONG_STATE', 'STREAM', 'FAILED'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Check {
  readonly what: string;
  readonly fault: Fault;
  readonly found: number;
  readonly expected: number;
}

export function check(evidence: Evidence): readonly Check[] {
  const { plan, acknowledged, sent, kept, log, seen, state, undisturbedState } = evidence;
  const due = countEach(plan.deliveries.map(nameOf));
  const held = countEach(kept.map(nameOfKept));
  const counted = kept.reduce((sum, { duplicates }) => sum + 1 + duplicates, 0);
  const cursors = log.map(({ cursor }) => cursor);
  const is = (fault: Fault, what: string, found: number, expected: number): Check => ({
    what,
    fault,
    found,
    expected,
  });
  const none = (fault: Fault, what: string, found: number) => is(fault, what, found, 0);
  const unkept = acknowledged.filter((post) => !held.has(nameOf(post)));

  return [
    is('LOST', 'posts acknowledged', acknowledged.length, plan.posts),
    is('LOST', 'deliveries kept', kept.length, plan.deliveries.length),
    none('LOST', 'acknowledged, not kept', unkept.length),
    none('TWICE', 'kept once too often', excess(held, due)),
    none('LOST', 'acknowledged, not counted', Math.max(0, acknowledged.length - counted)),
    none('TWICE', 'counted, never sent', Math.max(0, counted - sent)),
    none('GAP', 'gaps in the log', gapsIn(log).length),
    none('TWICE', 'log entries that do not follow', breaksIn(log).length),
    ...seen.flatMap((one, index) => [
      is('STREAM', `log entries seen by subscriber ${index + 1}`, one.length, log.length),
      none('STREAM', `not seen once and in order by ${index + 1}`, differences(cursors, one)),
    ]),
    is('WRONG_STATE', 'users', state.length, undisturbedState.length),
    none(
      'WRONG_STATE',
      'users other than undisturbed',
      excess(countEach(state), countEach(undisturbedState)),
    ),
  ];
}

export function holds({ found, expected }: Check): boolean {
  return found === expected;
}

/** Number of violations of this kind. */
export function count(fault: Fault, checks: readonly Check[]): number {
  return checks
    .filter((check) => check.fault === fault)
    .reduce((sum, { found, expected }) => sum + Math.abs(found - expected), 0);
}

function nameOf({ provider, body }: Post): string {
  return `${provider.toUpperCase().replaceAll('-', '_')} ${body}`;
}

function nameOfKept({ provider, rawBody }: KeptDelivery): string {
  return `${provider} ${rawBody}`;
}

function countEach(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Number of occurrences above the expected number. */
function excess(found: ReadonlyMap<string, number>, due: ReadonlyMap<string, number>): number {
  const surplus = [...found].map(([name, count]) => Math.max(0, count - (due.get(name) ?? 0)));
  return surplus.reduce((sum, count) => sum + count, 0);
}

/** At how many places two lists are not the same. */
export function differences(expected: readonly string[], found: readonly string[]): number {
  const longer = expected.length > found.length ? expected : found;
  return longer.filter((_, index) => expected[index] !== found[index]).length;
}
