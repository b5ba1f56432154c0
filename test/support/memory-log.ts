/** A change log in memory, for tests of the feed without a store. */

import { setImmediate as turn } from 'node:timers/promises';
import type { Change } from '../../src/domain/change';
import { type LogPosition, type LogState, toPosition } from '../../src/domain/cursor';
import { StoreUnavailableError } from '../../src/domain/errors';
import type { FeedReader } from '../../src/feed/subscriber';
import type { UserRow } from '../../src/store/read/reader';
import { aChange, aMerge } from './changes';

export interface MemoryLog extends FeedReader {
  readonly entries: readonly Change[];
  /** Number of calls to `tail`. */
  readonly reads: number;
  /** Number of user lookups. */
  readonly lookUps: number;
  commit(parts: Partial<Change>): Change;
  merge(from: number, into: number): Change;
  /** Drops the entries up to and including `seq`. */
  trim(seq: number): void;
  /** Restores the log to this position. Later entries differ from the lost ones. */
  restoreTo(seq: number): void;
  /** Assigns the external ID to the user. */
  name(externalUserId: string, userId: number): void;
  /** The next `times` reads fail. @param error - By default, that the store is unavailable. */
  failReads(times: number, error?: Error): void;
}

/** Each read returns the state at its start, in a later turn of the event loop, as a database does. */
export function createMemoryLog(): MemoryLog {
  const entries: Change[] = [];
  const mergedInto = new Map<number, number>();
  const names = new Map<string, number>();
  let floor: LogPosition = { seq: 0, nonce: 0 };
  let reads = 0;
  let lookUps = 0;
  let failures = 0;
  let failure: Error = new StoreUnavailableError();
  let restores = 0;

  const survivorOf = (id: number): number => {
    const into = mergedInto.get(id);
    return into === undefined ? id : survivorOf(into);
  };

  async function respond<T>(value: T): Promise<T> {
    if (failures > 0) {
      failures -= 1;
      await turn();
      throw failure;
    }
    await turn();
    return value;
  }

  const positionAt = (seq: number): LogPosition => {
    const entry = entries[seq - 1];
    return entry === undefined ? { seq: 0, nonce: 0 } : toPosition(entry);
  };
  const stateFrom = (seq: number): LogState => {
    const exists = seq >= floor.seq && seq <= entries.length;
    return {
      head: positionAt(entries.length),
      floor,
      nonce: exists ? positionAt(seq).nonce : null,
    };
  };
  const nonceOf = (seq: number) => 1000 * (restores + 1) + seq;

  return {
    entries,
    get reads() {
      return reads;
    },
    get lookUps() {
      return lookUps;
    },
    commit(parts) {
      const seq = entries.length + 1;
      const change = aChange({ nonce: nonceOf(seq), ...parts, seq });
      entries.push(change);
      return change;
    },
    merge(from, into) {
      const seq = entries.length + 1;
      const change = { ...aMerge(seq, from, into), nonce: nonceOf(seq) };
      mergedInto.set(from, into);
      entries.push(change);
      return change;
    },
    trim(seq) {
      floor = positionAt(seq);
    },
    restoreTo(seq) {
      restores += 1;
      entries.length = seq;
    },
    name(externalUserId, userId) {
      names.set(externalUserId, userId);
    },
    failReads(times, error = new StoreUnavailableError()) {
      failures = times;
      failure = error;
    },

    logState: (seq = entries.length) => respond(stateFrom(seq)),
    userByExternalId(externalUserId) {
      lookUps += 1;
      const id = names.get(externalUserId);
      return respond(id === undefined ? null : aUser(survivorOf(id)));
    },
    externalIdsOf(userIds) {
      lookUps += 1;
      const all = [...names].map(([externalUserId, id]) => ({
        externalUserId,
        userId: survivorOf(id),
        id,
      }));
      return respond(
        all.filter(({ id, userId }) => userIds.some((one) => one === id || one === userId)),
      );
    },
    usersByIds: (ids) => respond(ids.map((id) => aUser(survivorOf(id)))),
    userIdsMergedInto: (id) =>
      respond([id, ...[...mergedInto.keys()].filter((old) => survivorOf(old) === id)]),
    tail(afterSeq, limit, filter) {
      reads += 1;
      const kept = entries.slice(Math.max(afterSeq, floor.seq));
      const changes = kept.filter(sqlMatches(filter)).slice(0, limit);
      const full = changes.length === limit;
      const last = full ? changes.at(-1) : undefined;
      const state = stateFrom(afterSeq);
      const scannedTo = last === undefined ? state.head : toPosition(last);
      return respond({ changes, state, scannedTo });
    },
  };
}

/** Evaluates the filter independently of the code under test. */
function sqlMatches(filter: Parameters<FeedReader['tail']>[2]): (change: Change) => boolean {
  return ({ userId, provider, attemptStatus, cause }) => {
    const users = filter.userIds;
    const about = !users || users.includes(userId) || users.includes(cause.mergedUserId ?? 0);
    const at = filter.provider === undefined || provider === filter.provider;
    const statuses = filter.attemptStatus;
    const came = !statuses || (attemptStatus !== null && statuses.includes(attemptStatus));
    return about && at && came;
  };
}

function aUser(id: number): UserRow {
  const createdAt = new Date('2025-01-01T00:00:00Z');
  return {
    id,
    externalUserId: null,
    kind: 'PERSON',
    verificationStatus: 'NOT_VERIFIED',
    statusSince: '2025-01-01T00:00:00.000000000Z',
    expiresAt: null,
    active: true,
    erasedAt: null,
    createdAt,
    updatedAt: createdAt,
  };
}
