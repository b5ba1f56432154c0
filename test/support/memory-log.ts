/** A change log in memory, for tests of the feed alone: what it reads from is an argument of it. */

import { setImmediate as turn } from 'node:timers/promises';
import type { Change } from '../../src/domain/change';
import type { FeedReader } from '../../src/feed/subscription';
import type { UserRow } from '../../src/store/store';
import { aChange, aMerge } from './changes';

export interface MemoryLog extends FeedReader {
  readonly entries: readonly Change[];
  /** How often `tail` was called. */
  readonly reads: number;
  commit(parts: Partial<Change>): Change;
  merge(from: number, into: number): Change;
  /** Drops the entries up to and including `seq`. */
  trim(seq: number): void;
  /** The next `times` reads fail. */
  failReads(times: number): void;
}

/** Each read is as of its start and answers a little later, as with a database. */
export function createMemoryLog(): MemoryLog {
  const entries: Change[] = [];
  const mergedInto = new Map<number, number>();
  let floor = 0;
  let reads = 0;
  let failures = 0;

  const survivorOf = (id: number): number => {
    const into = mergedInto.get(id);
    return into === undefined ? id : survivorOf(into);
  };

  async function answer<T>(value: T): Promise<T> {
    if (failures > 0) {
      failures -= 1;
      await turn();
      throw new Error('the database is away');
    }
    await turn();
    return value;
  }

  return {
    entries,
    get reads() {
      return reads;
    },
    commit(parts) {
      const change = aChange({ ...parts, seq: entries.length + 1 });
      entries.push(change);
      return change;
    },
    merge(from, into) {
      const change = aMerge(entries.length + 1, from, into);
      mergedInto.set(from, into);
      entries.push(change);
      return change;
    },
    trim(seq) {
      floor = seq;
    },
    failReads(times) {
      failures = times;
    },

    head: () => answer(entries.length),
    logFloor: () => answer(floor),
    usersByIds: (ids) => answer(ids.map((id) => aUser(survivorOf(id)))),
    userIdsMergedInto: (id) =>
      answer([id, ...[...mergedInto.keys()].filter((old) => survivorOf(old) === id)]),
    tail(afterSeq, limit, filter) {
      reads += 1;
      const held = entries.slice(Math.max(afterSeq, floor));
      const changes = held.filter(sqlMatches(filter)).slice(0, limit);
      const full = changes.length === limit;
      const scannedTo = full ? (changes.at(-1)?.seq ?? afterSeq) : entries.length;
      return answer({ changes, scannedTo: Math.max(scannedTo, afterSeq) });
    },
  };
}

/** Written down once more, apart from what is tested. */
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
