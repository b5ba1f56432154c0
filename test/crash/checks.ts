/** What must not have happened, counted. */

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
  /** Cursors of what the subscriber was given. */
  readonly seen: readonly string[];
  readonly state: readonly string[];
  /** Of a gateway that was told the same and never killed. */
  readonly undisturbedState: readonly string[];
}

export interface Check {
  readonly what: string;
  readonly found: number;
  readonly expected: number;
}

export function check(evidence: Evidence): readonly Check[] {
  const { plan, acknowledged, sent, kept, log, seen, state, undisturbedState } = evidence;
  const due = countEach(plan.deliveries.map(nameOf));
  const held = countEach(kept.map(nameOfKept));
  const counted = kept.reduce((sum, { duplicates }) => sum + 1 + duplicates, 0);
  const none = (what: string, found: number): Check => ({ what, found, expected: 0 });

  return [
    { what: 'posts acknowledged', found: acknowledged.length, expected: plan.posts },
    { what: 'deliveries kept', found: kept.length, expected: plan.deliveries.length },
    none('acknowledged, not kept', acknowledged.filter((post) => !held.has(nameOf(post))).length),
    none('kept once too often', excess(held, due)),
    none('acknowledged, not counted', Math.max(0, acknowledged.length - counted)),
    none('counted, never sent', Math.max(0, counted - sent)),
    none('gaps in the log', gapsIn(log).length),
    none('log entries that do not follow', breaksIn(log).length),
    { what: 'log entries seen by subscriber', found: seen.length, expected: log.length },
    none(
      'not seen once and in order',
      differences(
        log.map(({ cursor }) => cursor),
        seen,
      ),
    ),
    { what: 'users', found: state.length, expected: undisturbedState.length },
    none('users other than without a crash', excess(countEach(state), countEach(undisturbedState))),
  ];
}

export function holds({ found, expected }: Check): boolean {
  return found === expected;
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

/** How many there are more than there should be. */
function excess(found: ReadonlyMap<string, number>, due: ReadonlyMap<string, number>): number {
  const surplus = [...found].map(([name, count]) => Math.max(0, count - (due.get(name) ?? 0)));
  return surplus.reduce((sum, count) => sum + count, 0);
}

/** At how many places two lists are not the same. */
function differences(expected: readonly string[], found: readonly string[]): number {
  const longer = expected.length > found.length ? expected : found;
  return longer.filter((_, index) => expected[index] !== found[index]).length;
}
