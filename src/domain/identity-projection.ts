/** From events to state, of one identity: its account, its attempts, and what they make of each level. Pure. */

import { type Attempt, type Course, foldCourse, type Run } from './attempt';
import { compare } from './compare';
import type { AccountState, Reason, VerificationEvent } from './event';
import type { Instant } from './instant';
import {
  type LevelKey,
  type LevelKind,
  lesserKind,
  levelKey,
  type ProviderId,
  type SubjectKind,
} from './level';
import { byOccurrence, type RecordedEvent } from './recorded-event';
import { isOpen, type VerificationStatus } from './status';

export interface IdentityEvents {
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly events: readonly RecordedEvent[];
}

export interface IdentityProjection {
  /** COMPANY if any event calls the account one: at its vendor, the kind of an account never changes. */
  readonly kind: SubjectKind;
  readonly state: AccountState;
  readonly attempts: readonly NumberedAttempt[];
}

export interface NumberedAttempt extends Attempt {
  readonly levelKey: LevelKey;
  readonly levelKind: LevelKind;
  /** 1, 2, 3 … in the order of their start, per identity and level. */
  readonly number: number;
}

export interface FinalRejection {
  readonly at: Instant;
  readonly reasons: readonly Reason[];
}

/** What one stream of an identity's events makes of a level. */
export interface Standing {
  readonly identity: number;
  readonly provider: ProviderId;
  readonly levelKey: LevelKey;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  /** When the decision behind the status was taken, and taken again; empty if nothing was ever decided. */
  readonly decisions: readonly Instant[];
  readonly superseded: boolean;
  /** The latest verdict, if it is a rejection that the user may not answer with another try. */
  readonly finalRejection: FinalRejection | null;
  readonly latestAttempt: NumberedAttempt;
}

export interface ProjectedIdentity extends IdentityProjection {
  /** Not known from a test environment alone, where that does not count. */
  readonly counts: boolean;
  /** Whether any event that counts is about it. */
  readonly known: boolean;
  readonly standings: readonly Standing[];
}

/**
 * @param identity - Its place among those of the user.
 * @param acceptSandbox - Whether events from a vendor's test environment count.
 */
export function projectIdentity(
  { provider, events }: IdentityEvents,
  identity: number,
  acceptSandbox: boolean,
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
    kind: sorted.some(({ event }) => event.kind === 'COMPANY') ? 'COMPANY' : 'PERSON',
    state: accountState(counted),
    known: counted.length > 0,
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
  readonly level: string;
  readonly sandbox: boolean;
  kind: LevelKind;
  readonly entries: RecordedEvent[];
}

/**
 * Splits by level. A deletion ends every stream of the account in the same environment. A reset at one level also voids the
 * approvals of the others: they rest on documents that the vendor discarded. Single actions rest on none of them.
 */
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
    if (event.type === 'RESET') {
      for (const stream of all) {
        if (stream.sandbox !== sandbox || stream.kind === 'ACTION') continue;
        if (stream.level === event.level) continue;
        stream.entries.push({ ...entry, event: { ...event, type: 'UNVERIFIED' } });
      }
    }
    const streams = levels.get(event.level) ?? new Map<string, StreamEvents>();
    levels.set(event.level, streams);
    const key = streamOf(event);
    const known = streams.get(key);
    const stream = known ?? { level: event.level, sandbox, kind: event.levelKind, entries: [] };
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
export function orderOf(attempt: Attempt): string {
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
  superseded,
}: Stream): Pick<Standing, 'status' | 'since' | 'decisions' | 'superseded' | 'finalRejection'> {
  let status: VerificationStatus = 'NOT_VERIFIED';
  let since = attempts[0]?.startedAt ?? '';
  let decisions: Instant[] = [];
  let finalRejection: FinalRejection | null = null;
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
    if (run.status === 'APPROVED') finalRejection = null;
    if (run.status === 'REJECTED') finalRejection = finalRejectionOf(run);
  }
  if (vendors === null || vendors.status === status) {
    return { status, since, decisions, superseded, finalRejection };
  }
  return { ...vendors, since: vendors.decisions[0] ?? since, superseded, finalRejection };
}

function finalRejectionOf({ rejection, decisions }: Run): FinalRejection | null {
  const at = decisions.at(-1);
  if (rejection?.retryable !== false || at === undefined) return null;
  return { at, reasons: rejection.reasons };
}
