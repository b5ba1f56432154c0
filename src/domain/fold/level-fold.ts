/** Streams of one identity at one level: their attempts in one order, and the level state of each stream. */

import type { VerificationEvent } from '../event';
import type { Instant } from '../instant';
import { type LevelKey, type LevelKind, lesserKind, type ProviderId } from '../level';
import type { VerificationStatus } from '../status';
import { compare } from '../text';
import {
  type Attempt,
  type AttemptRun,
  type AttemptRuns,
  type DecidedState,
  type FinalRejection,
  getSharedLength,
  listRuns,
} from './attempt-runs';
import { type AttemptHistory, continueHistory, EMPTY_HISTORY } from './attempts';
import type { Decisions } from './decisions';
import { byOccurrence, type RecordedEvent } from './recorded-event';

export type LevelEvent = Extract<VerificationEvent, { readonly level: string }>;

/** State of a level according to one stream of one identity. */
export interface LevelState {
  readonly provider: ProviderId;
  readonly levelKey: LevelKey;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  /** Decisions behind the status. `null` if the level was never decided. */
  readonly decisions: Decisions | null;
  readonly superseded: boolean;
  readonly finalRejection: FinalRejection | null;
  /** Sort key of the latest attempt of the stream. See `toAttemptSortKey`. */
  readonly latest: string;
}

/**
 * The events of one identity at one level that fold into one list of attempts. Sandbox and live events have separate streams,
 * and so do attempts with different provider attempt IDs.
 */
export interface AttemptStream {
  readonly level: LevelFold;
  readonly sandbox: boolean;
  kind: LevelKind;
  /** In the order of `byOccurrence`. */
  readonly entries: RecordedEvent[];
  /** History after each entry. */
  readonly histories: AttemptHistory[];
  /** Attempts at the last call of `orderRuns`. */
  reportedRuns: AttemptRuns | null;
  /** Cached until the next entry. */
  levelState: LevelState | null;
}

export interface LevelFold {
  readonly name: string;
  readonly streams: Map<string, AttemptStream>;
  kind: LevelKind;
  /** Attempts of all streams, sorted, as of the last call of `orderRuns`. */
  ordered: OrderedRun[];
  /** Streams with entries since the last call of `orderRuns`. */
  readonly changed: Set<AttemptStream>;
}

interface OrderedRun {
  readonly stream: AttemptStream;
  readonly sortKey: string;
  readonly run: AttemptRun;
}

export function createLevelFold(name: string): LevelFold {
  return { name, streams: new Map(), kind: 'LEVEL', ordered: [], changed: new Set() };
}

/** Removes all streams, so that all events can be folded again. */
export function clearLevelFold(level: LevelFold): void {
  level.streams.clear();
  level.changed.clear();
  level.ordered = [];
}

// ── Streams ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns the stream of the event, and updates the kind of the level. `added` is true if the stream is new. */
export function getStream(
  level: LevelFold,
  event: LevelEvent,
): { readonly stream: AttemptStream; readonly added: boolean } {
  const key = toStreamKey(event);
  const known = level.streams.get(key);
  const stream = known ?? createStream(level, event);
  level.streams.set(key, stream);
  level.kind = lesserKind(level.kind, event.levelKind);
  stream.kind = lesserKind(stream.kind, event.levelKind);
  return { stream, added: known === undefined };
}

function createStream(level: LevelFold, event: LevelEvent): AttemptStream {
  return {
    level,
    sandbox: event.sandbox ?? false,
    kind: event.levelKind,
    entries: [],
    histories: [],
    reportedRuns: null,
    levelState: null,
  };
}

function toStreamKey(event: LevelEvent): string {
  const attemptRef = event.type === 'STATUS' ? event.attemptRef : undefined;
  return `${event.sandbox ? 'sandbox' : 'live'} ${attemptRef ?? ''}`;
}

/** @param entry - Sorts after all entries of the stream. */
export function appendEntry(stream: AttemptStream, entry: RecordedEvent): void {
  stream.histories.push(continueHistory(stream.histories.at(-1) ?? EMPTY_HISTORY, entry));
  stream.entries.push(entry);
  stream.levelState = null;
  stream.level.changed.add(stream);
}

/** Inserts the entry in order and folds the later entries again. */
export function insertEntry(stream: AttemptStream, entry: RecordedEvent): void {
  const index = findInsertIndex(stream.entries, entry);
  const later = stream.entries.splice(index);
  stream.histories.length = index;
  for (const one of [entry, ...later]) appendEntry(stream, one);
}

/** Inserts the event into a sorted list. */
export function insertSorted<Event extends RecordedEvent>(sorted: Event[], event: Event): void {
  sorted.splice(findInsertIndex(sorted, event), 0, event);
}

/** Searches from the end, where nearly all events belong. */
function findInsertIndex(sorted: readonly RecordedEvent[], event: RecordedEvent): number {
  return sorted.findLastIndex((other) => byOccurrence(other, event) <= 0) + 1;
}

// ── Level state ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns the level state of a stream, or `null` if the stream has no attempt. */
export function getLevelState(
  stream: AttemptStream,
  provider: ProviderId,
  levelKey: LevelKey,
): LevelState | null {
  stream.levelState ??= toLevelState(stream, provider, levelKey);
  return stream.levelState;
}

function toLevelState(
  { kind, histories }: AttemptStream,
  provider: ProviderId,
  levelKey: LevelKey,
): LevelState | null {
  const history = histories.at(-1);
  if (history === undefined || history.attempts === null) return null;
  const { attempts, levelStatus, superseded } = history;
  const latest = toAttemptSortKey(attempts.run);
  const decided = overrideStatus(attempts.decided, levelStatus);
  return { provider, levelKey, kind, latest, superseded, ...decided };
}

/** A level status that the provider sent overrides the status that results from the attempts. */
function overrideStatus(decided: DecidedState, sent: AttemptHistory['levelStatus']): DecidedState {
  if (sent === null || sent.status === decided.status) return decided;
  return { ...decided, ...sent, since: sent.decisions.first };
}

// ── Order of attempts ───────────────────────────────────────────────────────────────────────────────────────────────

/** Attempts of one stream with equal keys are already in order, and sorting is stable, so the order is total. */
export function toAttemptSortKey(attempt: Attempt): string {
  return `${attempt.startedAt} ${attempt.sandbox} ${attempt.attemptRef ?? ''}`;
}

/**
 * Updates `level.ordered`. The cost depends on the number of attempts from the first changed one on, not on the number of
 * streams.
 *
 * @returns the number of unchanged leading attempts.
 */
export function orderRuns(level: LevelFold): number {
  const { ordered, changed } = level;
  const from = findFirstChange(changed);
  if (from === undefined) {
    changed.clear();
    return ordered.length;
  }
  const unchangedCount = ordered.findLastIndex(({ sortKey }) => sortKey < from) + 1;
  const tail = ordered.splice(unchangedCount).filter(({ stream }) => !changed.has(stream));
  for (const stream of changed) tail.push(...listRunsFrom(stream, from));
  changed.clear();
  ordered.push(...tail.sort((a, b) => compare(a.sortKey, b.sortKey)));
  return unchangedCount;
}

/** Returns the lowest sort key of the changed attempts, and marks their current state as returned to the caller. */
function findFirstChange(changed: Iterable<AttemptStream>): string | undefined {
  let first: string | undefined;
  for (const stream of changed) {
    const runs = getRuns(stream);
    const shared = getSharedLength(stream.reportedRuns, runs);
    for (const run of [...listRuns(stream.reportedRuns, shared), ...listRuns(runs, shared)]) {
      const sortKey = toAttemptSortKey(run);
      if (first === undefined || sortKey < first) first = sortKey;
    }
    stream.reportedRuns = runs;
  }
  return first;
}

/** Returns the attempts with a sort key of at least `from`, oldest first. */
function listRunsFrom(stream: AttemptStream, from: string): readonly OrderedRun[] {
  const runs: OrderedRun[] = [];
  for (let position = getRuns(stream); position !== null; position = position.previous) {
    const sortKey = toAttemptSortKey(position.run);
    if (sortKey < from) break;
    runs.push({ stream, sortKey, run: position.run });
  }
  return runs.reverse();
}

function getRuns({ histories }: AttemptStream): AttemptRuns | null {
  return histories.at(-1)?.attempts ?? null;
}
