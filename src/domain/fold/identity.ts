/** Folds the events of one identity into its account state, its attempts and its level states. */

import type { AccountState, VerificationEvent } from '../event';
import {
  type LevelKey,
  type LevelKind,
  levelKey,
  type ProviderId,
  type SubjectKind,
} from '../level';
import type { Attempt } from './attempt-runs';
import {
  type AttemptStream,
  appendEntry,
  clearLevelFold,
  createLevelFold,
  getLevelState,
  getStream,
  insertEntry,
  insertSorted,
  type LevelEvent,
  type LevelFold,
  type LevelState,
  orderRuns,
} from './level-fold';
import { byOccurrence, type RecordedEvent } from './recorded-event';

export interface NumberedAttempt extends Attempt {
  readonly levelKey: LevelKey;
  readonly levelKind: LevelKind;
  /** 1, 2, 3 … in the order of their start, per identity and level. */
  readonly number: number;
}

/** Changes of the attempts of one level since the last call. */
export interface ChangedAttempts {
  /** Number of unchanged leading attempts. */
  readonly unchangedCount: number;
  /** The attempts after those, oldest first. */
  readonly attempts: readonly NumberedAttempt[];
}

/**
 * Accepts events in any order and yields the same result in every order. An event that occurred after all others costs the
 * same regardless of their number. A late event costs as much as the later events of its stream. If an event that affects
 * all levels (a deletion, a reset) occurred after it, or if it is one, all events are folded again.
 */
export class IdentityFold<Event extends RecordedEvent = RecordedEvent> {
  readonly #provider: ProviderId;
  readonly #sorted: Event[];
  readonly #keys: Set<string>;
  readonly #levels = new Map<LevelKey, LevelFold>();
  #streams: AttemptStream[] = [];
  /** Events that affect all levels. */
  #accountWide: RecordedEvent[] = [];
  readonly #accountEvents: Event[] = [];
  /** Events with an external user ID. */
  readonly #userEvents: Event[] = [];
  #liveCount = 0;
  #kind: SubjectKind = 'PERSON';
  readonly #touched = new Set<LevelKey>();

  /** @param events - With distinct keys. */
  constructor(provider: ProviderId, events: Iterable<Event> = []) {
    this.#provider = provider;
    this.#sorted = [...events].sort(byOccurrence);
    this.#keys = new Set(this.#sorted.map(({ key }) => key));
    for (const event of this.#sorted) {
      this.#index(event);
      this.#append(event);
    }
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** @param event - With a key that the fold does not have yet. */
  add(event: Event): void {
    insertSorted(this.#sorted, event);
    this.#keys.add(event.key);
    this.#index(event);
    if (this.#sorted.at(-1) === event) this.#append(event);
    else if (!this.#insert(event)) this.#refold();
  }

  /** Iterates over the events, latest first. */
  *newestFirst(): Iterable<Event> {
    for (let index = this.#sorted.length - 1; index >= 0; index -= 1) {
      const event = this.#sorted[index];
      if (event !== undefined) yield event;
    }
  }

  /** @param acceptSandbox - Whether events from a provider's test environment count. */
  getAccountState(acceptSandbox: boolean): AccountState {
    const last = this.#accountEvents.findLast(
      ({ event }) => acceptSandbox || !event.sandbox,
    )?.event;
    return last?.type === 'ACCOUNT' ? last.state : 'ACTIVE';
  }

  /** COMPANY if any event marks the account as one: at its provider, the kind of an account never changes. */
  get kind(): SubjectKind {
    return this.#kind;
  }

  /** Whether the identity has any event that counts. */
  hasEvents(acceptSandbox: boolean): boolean {
    return (acceptSandbox ? this.#sorted.length : this.#liveCount) > 0;
  }

  /** Whether the identity counts. One with sandbox events only does not count unless those events do. */
  isCounted(acceptSandbox: boolean): boolean {
    return this.hasEvents(acceptSandbox) || this.#sorted.length === 0;
  }

  /** Returns the customer's ID for the user from the latest event that meets the condition, or `null`. */
  findExternalUserId(condition: (event: Event) => boolean): string | null {
    return this.#userEvents.findLast(condition)?.event.externalUserId ?? null;
  }

  levelKeys(): Iterable<LevelKey> {
    return this.#levels.keys();
  }

  /** Returns the levels with new events since the last call. The first call returns all levels. */
  takeTouchedLevels(): readonly LevelKey[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  /** Returns the attempts of a level that changed since the last call. The first call returns all attempts. */
  takeChangedAttempts(key: LevelKey): ChangedAttempts {
    const level = this.#levels.get(key);
    if (level === undefined) return { unchangedCount: 0, attempts: [] };
    const unchangedCount = orderRuns(level);
    const attempts = level.ordered.slice(unchangedCount).map(({ run }, index) => {
      const { decisions: _, ...attempt } = run;
      const number = unchangedCount + index + 1;
      return { ...attempt, levelKey: key, levelKind: level.kind, number };
    });
    return { unchangedCount, attempts };
  }

  getLevelStates(key: LevelKey, acceptSandbox: boolean): readonly LevelState[] {
    const states: LevelState[] = [];
    for (const stream of this.#levels.get(key)?.streams.values() ?? []) {
      if (stream.sandbox && !acceptSandbox) continue;
      const state = getLevelState(stream, this.#provider, key);
      if (state !== null) states.push(state);
    }
    return states;
  }

  // ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #index(entry: Event): void {
    const { event } = entry;
    if (!event.sandbox) this.#liveCount += 1;
    if (event.kind === 'COMPANY') this.#kind = 'COMPANY';
    if (event.type === 'ACCOUNT') insertSorted(this.#accountEvents, entry);
    if (event.externalUserId !== undefined) insertSorted(this.#userEvents, entry);
  }

  /** Appends the event to its stream. An event that affects the whole account goes to all streams of its environment. */
  #append(entry: RecordedEvent): void {
    const { event } = entry;
    const sandbox = event.sandbox ?? false;
    if (isAccountWide(event)) this.#accountWide.push(entry);
    if (event.type === 'ACCOUNT' && event.state === 'DELETED') {
      for (const stream of this.#streams) {
        if (stream.sandbox === sandbox) this.#appendTo(stream, entry);
      }
    }
    if (!('level' in event)) return;
    if (event.type === 'RESET') {
      // Approvals of other levels depend on the documents that the provider discarded. ACTION levels depend on none.
      for (const stream of this.#streams) {
        if (stream.sandbox !== sandbox || stream.kind === 'ACTION') continue;
        if (stream.level.name === event.level) continue;
        this.#appendTo(stream, { ...entry, event: { ...event, type: 'UNVERIFIED' } });
      }
    }
    this.#appendTo(this.#getStream(event), entry);
  }

  #appendTo(stream: AttemptStream, entry: RecordedEvent): void {
    appendEntry(stream, entry);
    this.#touched.add(levelKey(this.#provider, stream.level.name));
  }

  /** Inserts a late event into its stream. @returns `false` if all events have to be folded again. */
  #insert(entry: RecordedEvent): boolean {
    const { event } = entry;
    if (isAccountWide(event)) return false;
    if (!('level' in event)) return true;
    const last = this.#accountWide.at(-1);
    if (last !== undefined && byOccurrence(entry, last) < 0) return false;
    const stream = this.#getStream(event);
    insertEntry(stream, entry);
    this.#touched.add(levelKey(this.#provider, stream.level.name));
    return true;
  }

  #refold(): void {
    for (const level of this.#levels.values()) clearLevelFold(level);
    this.#streams = [];
    this.#accountWide = [];
    for (const event of this.#sorted) this.#append(event);
  }

  #getStream(event: LevelEvent): AttemptStream {
    const key = levelKey(this.#provider, event.level);
    const level = this.#levels.get(key) ?? createLevelFold(event.level);
    this.#levels.set(key, level);
    const { stream, added } = getStream(level, event);
    if (added) this.#streams.push(stream);
    return stream;
  }
}

function isAccountWide(event: VerificationEvent): boolean {
  return event.type === 'RESET' || (event.type === 'ACCOUNT' && event.state === 'DELETED');
}
