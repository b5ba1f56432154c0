/** From events to state: what a user's identities, attempts, levels and status are, given all that was said. Pure. */

import { type Attempt, type Course, foldCourse, type Run } from './attempt';
import type { AccountState, VerificationEvent } from './event';
import { type Instant, instantOf, toDate } from './instant';
import { type LevelKey, type LevelKind, lesserKind, levelKey, type ProviderId } from './level';
import { evaluate, type HeldLevel, type Policy, type Verification } from './policy';
import { byOccurrence, type RecordedEvent } from './recorded-event';
import { isOpen, type VerificationStatus } from './status';

/**
 * To be raised whenever the same events come to another state than before: state is kept, so a gateway that projects
 * otherwise has to project everybody again.
 */
export const PROJECTION_VERSION = 1;

export interface IdentityEvents {
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly events: readonly RecordedEvent[];
}

export interface ProjectionRules {
  readonly policy: Policy;
  /** Whether events from a vendor's test environment count toward levels and the user's status. */
  readonly acceptSandbox: boolean;
  readonly now: Date;
}

export interface UserProjection {
  /** In the order of the identities given. */
  readonly identities: readonly IdentityProjection[];
  /** Sorted by level key. */
  readonly levels: readonly UserLevel[];
  readonly verification: Verification;
  readonly active: boolean;
}

export interface IdentityProjection {
  readonly state: AccountState;
  readonly attempts: readonly NumberedAttempt[];
}

export interface NumberedAttempt extends Attempt {
  readonly levelKey: LevelKey;
  readonly levelKind: LevelKind;
  /** 1, 2, 3 … in the order of their start, per identity and level. */
  readonly number: number;
}

export interface UserLevel extends HeldLevel {
  readonly latestAttempt: { readonly identity: number; readonly number: number };
}

/** @param identities - All of one user's. */
export function projectUser(
  identities: readonly IdentityEvents[],
  rules: ProjectionRules,
): UserProjection {
  const projected = identities.map((identity, index) => projectIdentity(identity, index, rules));
  const levels = combine(
    projected.flatMap((one) => one.standings),
    rules,
  );
  return {
    identities: projected.map(({ state, attempts }) => ({ state, attempts })),
    levels,
    verification: evaluate(rules.policy, levels),
    active: isActive(projected.filter((one) => one.counts).map((one) => one.state)),
  };
}

/** A switched-off account anywhere switches the user off; a deleted one only if no other is left. */
function isActive(states: readonly AccountState[]): boolean {
  if (states.includes('DEACTIVATED')) return false;
  return states.length === 0 || states.some((state) => state === 'ACTIVE');
}

/** Our customer's id of the user, by the vendor's latest word. */
export function latestExternalUserId(events: readonly RecordedEvent[]): string | null {
  const naming = events.filter(({ event }) => event.externalUserId !== undefined);
  return [...naming].sort(byOccurrence).at(-1)?.event.externalUserId ?? null;
}

// ── One identity ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Standing {
  readonly identity: number;
  readonly provider: ProviderId;
  readonly levelKey: LevelKey;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  /** When the decision behind the status was taken, and taken again; empty if nothing was ever decided. */
  readonly decisions: readonly Instant[];
  readonly withdrawn: boolean;
  readonly latestAttempt: NumberedAttempt;
}

interface ProjectedIdentity extends IdentityProjection {
  /** Not known from a test environment alone, where that does not count. */
  readonly counts: boolean;
  readonly standings: readonly Standing[];
}

function projectIdentity(
  { provider, events }: IdentityEvents,
  identity: number,
  { acceptSandbox }: ProjectionRules,
): ProjectedIdentity {
  const sorted = [...new Map(events.map((event) => [event.key, event])).values()].sort(
    byOccurrence,
  );
  const counted = acceptSandbox ? sorted : sorted.filter(({ event }) => !event.sandbox);
  const levels = groupByLevel(provider, sorted).map(({ levelKey, ...level }) => {
    const streams = level.streams.map(foldStream);
    return { levelKey, streams, numbered: number(levelKey, streams) };
  });
  return {
    state: accountState(counted),
    counts: counted.length > 0 || sorted.length === 0,
    attempts: levels.flatMap(({ numbered }) => [...numbered.values()]),
    standings: levels.flatMap(({ levelKey, streams, numbered }) =>
      streams.flatMap((stream) => {
        const latest = stream.attempts.at(-1);
        const latestAttempt = latest && numbered.get(latest);
        if (latestAttempt === undefined || (stream.sandbox && !acceptSandbox)) return [];
        const place = { identity, provider, levelKey, kind: stream.kind, latestAttempt };
        return [{ ...place, ...standingOf(stream) }];
      }),
    ),
  };
}

function accountState(sorted: readonly RecordedEvent[]): AccountState {
  const last = sorted.findLast(({ event }) => event.type === 'ACCOUNT')?.event;
  return last?.type === 'ACCOUNT' ? last.state : 'ACTIVE';
}

interface LevelEvents {
  readonly levelKey: LevelKey;
  readonly streams: readonly StreamEvents[];
}

/** A test environment never touches the attempts of the live one, nor one vendor attempt those of another. */
interface StreamEvents {
  readonly sandbox: boolean;
  kind: LevelKind;
  readonly entries: RecordedEvent[];
}

/** What ends the whole account stands among the events of each of its streams in the same environment. */
function groupByLevel(
  provider: ProviderId,
  sorted: readonly RecordedEvent[],
): readonly LevelEvents[] {
  const levels = new Map<string, Map<string, StreamEvents>>();
  const all: StreamEvents[] = [];
  for (const entry of sorted) {
    const { event } = entry;
    const sandbox = event.sandbox ?? false;
    if (event.type === 'ACCOUNT' && event.state === 'DELETED') {
      for (const stream of all) if (stream.sandbox === sandbox) stream.entries.push(entry);
    }
    if (!('level' in event)) continue;
    const streams = levels.get(event.level) ?? new Map<string, StreamEvents>();
    levels.set(event.level, streams);
    const key = streamOf(event);
    const known = streams.get(key);
    const stream = known ?? { sandbox, kind: event.levelKind, entries: [] };
    if (known === undefined) all.push(stream);
    streams.set(key, stream);
    stream.kind = lesserKind(stream.kind, event.levelKind);
    stream.entries.push(entry);
  }
  return [...levels].map(([name, streams]) => ({
    levelKey: levelKey(provider, name),
    streams: [...streams.values()],
  }));
}

interface Stream extends Course {
  readonly sandbox: boolean;
  readonly kind: LevelKind;
}

function foldStream({ entries, ...stream }: StreamEvents): Stream {
  return { ...foldCourse(entries), ...stream };
}

function streamOf(event: VerificationEvent): string {
  const attemptRef = event.type === 'STATUS' ? event.attemptRef : undefined;
  return `${event.sandbox ? 'sandbox' : 'live'} ${attemptRef ?? ''}`;
}

function number(levelKey: LevelKey, streams: readonly Stream[]): ReadonlyMap<Run, NumberedAttempt> {
  const levelKind = streams.map(({ kind }) => kind).reduce(lesserKind);
  const inOrder = streams
    .flatMap((stream) => stream.attempts)
    .sort((a, b) => compare(orderOf(a), orderOf(b)));
  return new Map(
    inOrder.map((run, index) => {
      const { decisions: _, ...attempt } = run;
      return [run, { ...attempt, levelKey, levelKind, number: index + 1 }];
    }),
  );
}

/** Attempts of one stream never share a start with a different order, and sorting is stable, so this is total. */
function orderOf(attempt: Attempt): string {
  return `${attempt.startedAt} ${attempt.sandbox} ${attempt.attemptRef ?? ''}`;
}

const STATUS_BY_DECISION = {
  APPROVED: 'VERIFIED',
  EXPIRED: 'EXPIRED',
  REJECTED: 'NOT_VERIFIED',
  CANCELLED: 'NOT_VERIFIED',
} as const;

/** The vendor's own word on the lasting state where it gives one, else what the attempts add up to. */
function standingOf({
  attempts,
  standing: vendors,
  withdrawn,
}: Stream): Pick<Standing, 'status' | 'since' | 'decisions' | 'withdrawn'> {
  let status: VerificationStatus = 'NOT_VERIFIED';
  let since = attempts[0]?.startedAt ?? '';
  let decisions: Instant[] = [];
  for (const run of attempts) {
    const [first] = run.decisions;
    if (first === undefined || isOpen(run.status)) continue;
    const decision = STATUS_BY_DECISION[run.status];
    if (decision !== status) {
      since = first;
      decisions = [];
    }
    status = decision;
    for (const at of run.decisions) decisions.push(at);
  }
  if (vendors === null || vendors.status === status) return { status, since, decisions, withdrawn };
  return { ...vendors, since: vendors.decisions[0] ?? since, withdrawn };
}

// ── All identities of a user ────────────────────────────────────────────────────────────────────────────────────────

const CAUTION: Record<VerificationStatus, number> = { VERIFIED: 0, EXPIRED: 1, NOT_VERIFIED: 2 };

/** One entry per level: where several accounts hold the same level, the latest decision among those still asked. */
function combine(standings: readonly Standing[], rules: ProjectionRules): readonly UserLevel[] {
  const byLevel = new Map<LevelKey, Standing[]>();
  for (const standing of standings) {
    const several = byLevel.get(standing.levelKey) ?? [];
    several.push(standing);
    byLevel.set(standing.levelKey, several);
  }
  return [...byLevel]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([, several]) => {
      const asked = several.filter((standing) => !standing.withdrawn);
      const candidates = asked.length > 0 ? asked : several;
      const decisive = [...candidates].sort(byDecision).at(-1);
      const newest = [...candidates].sort(byStart).at(-1);
      if (decisive === undefined || newest === undefined) return [];
      const kind = several.map((standing) => standing.kind).reduce(lesserKind);
      return [toUserLevel({ ...decisive, kind }, newest, rules)];
    });
}

function byDecision(a: Standing, b: Standing): number {
  return (
    compare(a.decisions.at(-1) ?? '', b.decisions.at(-1) ?? '') ||
    CAUTION[a.status] - CAUTION[b.status] ||
    byStart(a, b)
  );
}

function byStart(a: Standing, b: Standing): number {
  return compare(orderOf(a.latestAttempt), orderOf(b.latestAttempt)) || a.identity - b.identity;
}

function toUserLevel(decisive: Standing, newest: Standing, rules: ProjectionRules): UserLevel {
  const level: UserLevel = {
    provider: decisive.provider,
    levelKey: decisive.levelKey,
    kind: decisive.kind,
    status: decisive.status,
    since: decisive.since,
    expiresAt: null,
    withdrawn: decisive.withdrawn,
    latestAttempt: { identity: newest.identity, number: newest.latestAttempt.number },
  };
  const { expiresAfterMs } = rules.policy;
  const lifetimeMs = expiresAfterMs[level.levelKey] ?? expiresAfterMs['*'];
  const latest = decisive.decisions.at(-1);
  if (level.status !== 'VERIFIED' || lifetimeMs === undefined || latest === undefined) return level;
  const expiresAt = plus(latest, lifetimeMs);
  if (expiresAt <= instantOf(rules.now)) {
    return { ...level, status: 'EXPIRED', since: expiresAt, expiresAt };
  }
  return { ...level, since: lastBreak(decisive.decisions, lifetimeMs) ?? level.since, expiresAt };
}

/** When an approval came that found the one before it run out. */
function lastBreak(approvals: readonly Instant[], lifetimeMs: number): Instant | undefined {
  return approvals.findLast((at, index) => {
    const before = approvals[index - 1];
    return before !== undefined && plus(before, lifetimeMs) <= at;
  });
}

function plus(instant: Instant, ms: number): Instant {
  return instantOf(new Date(toDate(instant).getTime() + ms));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
