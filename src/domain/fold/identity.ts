/** 1, 2, 3 … in the order of their start, per identity and level. */

import type { AccountState, VerificationEvent } from '../event';
import type { Instant } from '../instant';
import {
  type LevelKey,
  type LevelKind,
  lesserKind,
  levelKey,
  type ProviderId,
  type SubjectKind,
} from '../level';
import type { VerificationStatus } from '../status';
import { compare } from '../text';
import {
  type Attempt,
  type AttemptRun,
  type AttemptRuns,
  type DecidedState,
  type FinalRejection,
  listRuns,
  sharedLength,
} from './attempt-runs';
import { type AttemptHistory, continueHistory, EMPTY_HISTORY } from './attempts';
import type { Decisions } from './decisions';
import { byOccurrence, type RecordedEvent } from './recorded-event';

export interface NumberedAttempt extends Attempt {
  readonly levelKey: LevelKey;
  readonly levelKind: LevelKind;
  readonly number: number;
}

/** What one stream of an identity's events makes of a level. */
export interface LevelState {
  readonly provider: ProviderId;
  readonly levelKey: LevelKey;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  /** When the decision behind the status was taken, and taken again; `null` if nothing was ever decided. */
  readonly decisions: Decisions | null;
  readonly superseded: boolean;
  readonly finalRejection: FinalRejection | null;
  /** The latest attempt of the stream, as `orderOf` has it. */
  readonly latest: string;
}

/** What is new about a level since it was last taken. */
export interface ChangedAttempts {
  /** Number of leading attempts that are as before. */
  readonly kept: number;
  /** The attempts behind them, oldest first. */
  readonly attempts: readonly NumberedAttempt[];
}

/** A test environment never touches the attempts of the live one, nor one vendor attempt those of another. */
interface AttemptStream {
  readonly level: LevelFold;
  readonly sandbox: boolean;
  kind: LevelKind;
  /** In the order of their occurrence. */
  readonly entries: RecordedEvent[];
  /** What the entries up to each one add up to. */
  readonly histories: AttemptHistory[];
  /** Its attempts when they were last taken. */
  reportedRuns: AttemptRuns | null;
  /** Its standing, until an event is added. */
  levelState: LevelState | null;
}

interface LevelFold {
  readonly name: string;
  readonly streams: Map<string, AttemptStream>;
  kind: LevelKind;
  /** The attempts of all streams in their order, when they were last taken. */
  ordered: OrderedRun[];
  /** Streams with events since then. */
  readonly changed: Set<AttemptStream>;
}

interface OrderedRun {
  readonly stream: AttemptStream;
  readonly order: string;
  readonly run: AttemptRun;
}

/**
 * Takes events in any order, and adds up to the same in every order. An event that occurred after all others costs the same
 * however many came before. One that comes late costs as much as the events of its stream that occurred after it; if an
 * event that concerns all levels (a deletion, a reset) occurred after it, or if it is one, all events are folded again.
 */
export class IdentityFold<Event extends RecordedEvent = RecordedEvent> {
  readonly #provider: ProviderId;
  readonly #sorted: Event[];
  readonly #keys: Set<string>;
  readonly #levels = new Map<LevelKey, LevelFold>();
  #streams: AttemptStream[] = [];
  /** Events that concern all levels. */
  #sweeping: RecordedEvent[] = [];
  readonly #accounts: Event[] = [];
  readonly #naming: Event[] = [];
  /** Number of events that are not from a test environment. */
  #live = 0;
  #kind: SubjectKind = 'PERSON';
  readonly #touched = new Set<LevelKey>();

  /** @param events - Each key once. */
  constructor(provider: ProviderId, events: Iterable<Event> = []) {
    this.#provider = provider;
    this.#sorted = [...events].sort(byOccurrence);
    this.#keys = new Set(this.#sorted.map(({ key }) => key));
    for (const event of this.#sorted) {
      this.#note(event);
      this.#append(event);
    }
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** @param event - With a key of its own. */
  add(event: Event): void {
    enter(this.#sorted, event);
    this.#keys.add(event.key);
    this.#note(event);
    if (this.#sorted.at(-1) === event) this.#append(event);
    else if (!this.#insert(event)) this.#refold();
  }

  /** From the last one that occurred to the first. */
  *newestFirst(): Iterable<Event> {
    for (let place = this.#sorted.length - 1; place >= 0; place -= 1) {
      const event = this.#sorted[place];
      if (event !== undefined) yield event;
    }
  }

  /** @param acceptSandbox - Whether events from a vendor's test environment count. */
  getAccountState(acceptSandbox: boolean): AccountState {
    const last = this.#accounts.findLast(({ event }) => acceptSandbox || !event.sandbox)?.event;
    return last?.type === 'ACCOUNT' ? last.state : 'ACTIVE';
  }

  /** COMPANY if any event calls the account one: at its vendor, the kind of an account never changes. */
  get kind(): SubjectKind {
    return this.#kind;
  }

  /** Whether any event that counts is about it. */
  hasEvents(acceptSandbox: boolean): boolean {
    return (acceptSandbox ? this.#sorted.length : this.#live) > 0;
  }

  /** Whether it counts: one known from a test environment alone does not, where that does not count. */
  isCounted(acceptSandbox: boolean): boolean {
    return this.hasEvents(acceptSandbox) || this.#sorted.length === 0;
  }

  /** Our customer's id of the user, by the vendor's latest word among those that count. */
  findExternalUserId(counts: (event: Event) => boolean): string | null {
    return this.#naming.findLast(counts)?.event.externalUserId ?? null;
  }

  levelKeys(): Iterable<LevelKey> {
    return this.#levels.keys();
  }

  /** Levels that events were added to since this was last called; all of them the first time. */
  takeTouchedLevels(): readonly LevelKey[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  /** The attempts of a level that are not as they were when this was last called; all of them the first time. */
  takeChangedAttempts(key: LevelKey): ChangedAttempts {
    const level = this.#levels.get(key);
    if (level === undefined) return { kept: 0, attempts: [] };
    const kept = placeRuns(level);
    const attempts = level.ordered.slice(kept).map(({ run }, index) => {
      const { decisions: _, ...attempt } = run;
      return { ...attempt, levelKey: key, levelKind: level.kind, number: kept + index + 1 };
    });
    return { kept, attempts };
  }

  getLevelStates(key: LevelKey, acceptSandbox: boolean): readonly LevelState[] {
    const standings: LevelState[] = [];
    for (const stream of this.#levels.get(key)?.streams.values() ?? []) {
      if (stream.sandbox && !acceptSandbox) continue;
      stream.levelState ??= this.#standingOf(key, stream);
      if (stream.levelState !== null) standings.push(stream.levelState);
    }
    return standings;
  }

  #standingOf(key: LevelKey, { kind, histories: courses }: AttemptStream): LevelState | null {
    const course = courses.at(-1);
    if (course === undefined || course.attempts === null) return null;
    const { attempts, levelStatus: standing, superseded } = course;
    const latest = toAttemptOrder(attempts.run);
    const place = { provider: this.#provider, levelKey: key, kind, latest, superseded };
    return { ...place, ...standingOf({ attempts, standing }) };
  }

  // ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #note(entry: Event): void {
    const { event } = entry;
    if (!event.sandbox) this.#live += 1;
    if (event.kind === 'COMPANY') this.#kind = 'COMPANY';
    if (event.type === 'ACCOUNT') enter(this.#accounts, entry);
    if (event.externalUserId !== undefined) enter(this.#naming, entry);
  }

  /** What ends the whole account is among the events of each of its streams in the same environment. */
  #append(entry: RecordedEvent): void {
    const { event } = entry;
    const sandbox = event.sandbox ?? false;
    if (isSweeping(event)) this.#sweeping.push(entry);
    if (event.type === 'ACCOUNT' && event.state === 'DELETED') {
      for (const stream of this.#streams) {
        if (stream.sandbox === sandbox) this.#continue(stream, entry);
      }
    }
    if (!('level' in event)) return;
    if (event.type === 'RESET') {
      // The approvals of other levels rest on documents that the vendor discarded; single actions rest on none.
      for (const stream of this.#streams) {
        if (stream.sandbox !== sandbox || stream.kind === 'ACTION') continue;
        if (stream.level.name === event.level) continue;
        this.#continue(stream, { ...entry, event: { ...event, type: 'UNVERIFIED' } });
      }
    }
    this.#continue(this.#streamOf(event), entry);
  }

  /** @returns whether it could be done without folding all events again. */
  #insert(entry: RecordedEvent): boolean {
    const { event } = entry;
    if (isSweeping(event)) return false;
    if (!('level' in event)) return true;
    const last = this.#sweeping.at(-1);
    if (last !== undefined && byOccurrence(entry, last) < 0) return false;
    const stream = this.#streamOf(event);
    const place = placeOf(stream.entries, entry);
    const later = stream.entries.splice(place);
    stream.histories.length = place;
    for (const one of [entry, ...later]) this.#continue(stream, one);
    return true;
  }

  #continue(stream: AttemptStream, entry: RecordedEvent): void {
    stream.histories.push(continueHistory(stream.histories.at(-1) ?? EMPTY_HISTORY, entry));
    stream.entries.push(entry);
    stream.levelState = null;
    stream.level.changed.add(stream);
    this.#touched.add(levelKey(this.#provider, stream.level.name));
  }

  #refold(): void {
    for (const level of this.#levels.values()) {
      level.streams.clear();
      level.changed.clear();
      level.ordered = [];
    }
    this.#streams = [];
    this.#sweeping = [];
    for (const event of this.#sorted) this.#append(event);
  }

  #streamOf(event: LevelEvent): AttemptStream {
    const key = levelKey(this.#provider, event.level);
    const level: LevelFold = this.#levels.get(key) ?? {
      name: event.level,
      streams: new Map(),
      kind: 'LEVEL',
      ordered: [],
      changed: new Set(),
    };
    this.#levels.set(key, level);
    const ref = streamRef(event);
    const known = level.streams.get(ref);
    const stream: AttemptStream = known ?? {
      level,
      sandbox: event.sandbox ?? false,
      kind: event.levelKind,
      entries: [],
      histories: [],
      reportedRuns: null,
      levelState: null,
    };
    level.kind = lesserKind(level.kind, event.levelKind);
    stream.kind = lesserKind(stream.kind, event.levelKind);
    if (known === undefined) {
      level.streams.set(ref, stream);
      this.#streams.push(stream);
    }
    return stream;
  }
}

type LevelEvent = Extract<VerificationEvent, { readonly level: string }>;

function isSweeping(event: VerificationEvent): boolean {
  return event.type === 'RESET' || (event.type === 'ACCOUNT' && event.state === 'DELETED');
}

function streamRef(event: LevelEvent): string {
  const attemptRef = event.type === 'STATUS' ? event.attemptRef : undefined;
  return `${event.sandbox ? 'sandbox' : 'live'} ${attemptRef ?? ''}`;
}

function enter<Event extends RecordedEvent>(sorted: Event[], event: Event): void {
  sorted.splice(placeOf(sorted, event), 0, event);
}

/** Place that keeps the list in order. Searched from the end, where nearly all events belong. */
function placeOf(sorted: readonly RecordedEvent[], event: RecordedEvent): number {
  const before = sorted.findLastIndex((other) => byOccurrence(other, event) <= 0);
  return before + 1;
}

/**
 * Brings `placed` up to date. Costs as much as the attempts from the first changed one on, however many streams there are.
 *
 * @returns the number of leading attempts that are as before.
 */
function placeRuns(level: LevelFold): number {
  const { ordered: placed, changed } = level;
  let first: string | undefined;
  for (const stream of changed) {
    const runs = runsOf(stream);
    const shared = sharedLength(stream.reportedRuns, runs);
    for (const run of [...listRuns(stream.reportedRuns, shared), ...listRuns(runs, shared)]) {
      const order = toAttemptOrder(run);
      if (first === undefined || order < first) first = order;
    }
    stream.reportedRuns = runs;
  }
  if (first === undefined) {
    changed.clear();
    return placed.length;
  }
  const from = first;
  const kept = placed.findLastIndex(({ order }) => order < from) + 1;
  const tail = placed.splice(kept).filter(({ stream }) => !changed.has(stream));
  for (const stream of changed) {
    const later: OrderedRun[] = [];
    for (let place = runsOf(stream); place !== null; place = place.previous) {
      const order = toAttemptOrder(place.run);
      if (order < from) break;
      later.push({ stream, order, run: place.run });
    }
    tail.push(...later.reverse());
  }
  changed.clear();
  placed.push(...tail.sort((a, b) => compare(a.order, b.order)));
  return kept;
}

function runsOf({ histories: courses }: AttemptStream): AttemptRuns | null {
  return courses.at(-1)?.attempts ?? null;
}

/** Attempts of one stream never share a start with a different order, and sorting is stable, so this is total. */
export function toAttemptOrder(attempt: Attempt): string {
  return `${attempt.startedAt} ${attempt.sandbox} ${attempt.attemptRef ?? ''}`;
}

/** The vendor's own word on the lasting state where it gives one, else what the attempts add up to. */
function standingOf({
  attempts,
  standing: vendors,
}: {
  readonly attempts: AttemptRuns;
  readonly standing: AttemptHistory['levelStatus'];
}): DecidedState {
  const { decided: lasting } = attempts;
  if (vendors === null || vendors.status === lasting.status) return lasting;
  return { ...lasting, ...vendors, since: vendors.decisions.first };
}
