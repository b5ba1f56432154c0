/** The feed on a real store: filters agree in memory and in SQL, and commits arrive in order. */

import { decodeCursor } from '../../src/domain/cursor';
import type { IncomingDelivery } from '../../src/domain/delivery';
import { CursorExpiredError } from '../../src/domain/errors';
import type { StatusEvent } from '../../src/domain/event';
import type { AttemptStatus } from '../../src/domain/status';
import { matchesFilter } from '../../src/feed/change-filter';
import { createFeed, type Feed, type FeedOptions } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import { openStore } from '../../src/store/open-store';
import type { ChangeFilter } from '../../src/store/read/filters';
import type { Store } from '../../src/store/store';
import { openTestStore } from '../store/open-test-store';
import { at } from '../support/changes';
import { createDisposal } from '../support/disposal';
import { silentLog } from '../support/logs';

const disposal = createDisposal();
const NOW = new Date('2025-01-01T00:00:00Z');

function delivery(key: number, provider: string, event: Partial<StatusEvent>): IncomingDelivery {
  return {
    provider,
    receivedAt: NOW,
    rawBody: Buffer.from(`{"n":${key}}`),
    subpath: '',
    trust: 'SIGNED',
    reading: {
      kind: 'EVENTS',
      eventType: 'test',
      duplicateKey: `key-${key}`,
      events: [
        {
          type: 'STATUS',
          subjectRef: 'subject',
          level: 'basic',
          levelKind: 'LEVEL',
          providerStatus: 'word',
          status: 'APPROVED',
          occurredAt: `2024-01-01T00:00:00.${String(key).padStart(9, '0')}Z`,
          ...event,
        },
      ],
    },
  };
}

/** Two providers and three users, two of which are merged. */
async function writeHistory(store: Store): Promise<void> {
  const statuses: readonly AttemptStatus[] = ['PENDING', 'IN_PROGRESS', 'APPROVED', 'REJECTED'];
  let key = 0;
  for (const status of statuses) {
    for (const provider of ['sumsub', 'p100']) {
      for (const subjectRef of ['a', 'b']) {
        key += 1;
        const level = subjectRef === 'a' ? 'basic' : 'full';
        await store.record(delivery(key, provider, { subjectRef, level, status }));
      }
    }
  }
  const user = await store.read.userByIdentity('sumsub', 'a');
  if (user === null) throw new Error('expected a user');
  await store.linkIdentity({
    provider: 'p100',
    subjectRef: 'a',
    userId: user.id,
    changeActor: 'operator',
    auditActor: 'test',
    now: NOW,
  });
}

function start(store: Store, options: Partial<FeedOptions> = {}): Feed {
  const feed = createFeed({
    read: store.read,
    logId: store.logId,
    wakeup: createMemoryWakeup(),
    log: silentLog,
    ...options,
  });
  disposal.defer(() => feed.stop());
  return feed;
}

async function take(feed: Feed, afterSeq: number, count: number, filter: ChangeFilter = {}) {
  const seqs: number[] = [];
  const { signal } = new AbortController();
  for await (const { seq } of feed.subscribe({ after: at(afterSeq), filter, signal })) {
    seqs.push(seq);
    if (seqs.length === count) break;
  }
  return seqs;
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a filter', () => {
  it('matches the same entries in memory and in the store', async () => {
    const { store } = await openTestStore();
    await writeHistory(store);
    const { changes: all } = await store.read.tail(0, 1000, {});
    expect(all.some(({ cause }) => cause.mergedUserId !== null)).toBe(true);
    const filters: readonly ChangeFilter[] = [
      {},
      ...[[], [1], [2], [1, 3], [99]].map((userIds) => ({ userIds })),
      ...['sumsub', 'p100', 'unknown'].map((provider) => ({ provider })),
      ...['sumsub/basic', 'p100/full'].map((levelKey) => ({ levelKey })),
      { attemptStatus: [] },
      { attemptStatus: ['PENDING', 'APPROVED'] },
      { verificationStatus: ['VERIFIED'] },
      { verificationStatus: ['NOT_VERIFIED', 'EXPIRED'] },
      { verificationStatusChanged: true },
      { verificationStatusChanged: false },
      { userIds: [1], provider: 'sumsub', verificationStatusChanged: true },
    ];
    for (const filter of filters) {
      const { changes } = await store.read.tail(0, 1000, filter);
      expect(changes).toEqual(all.filter((change) => matchesFilter(change, filter)));
    }
  });
});

describe('the feed on a real store', () => {
  it('returns concurrent commits in log order, live and while catching up', async () => {
    const { store } = await openTestStore();
    const wakeup = createMemoryWakeup();
    const feed = start(store, { wakeup, windowSize: 20, queueSize: 10 });
    const early = take(feed, 0, 300);
    const writes = range(1, 300).map(async (key) => {
      await store.record(delivery(key, 'sumsub', { subjectRef: `subject-${key}` }));
      wakeup.wake();
    });
    expect(await early).toEqual(range(1, 300));
    await Promise.all(writes);
    expect(await take(feed, 100, 200)).toEqual(range(101, 300));
  });

  it('returns entries that another process wrote to the same database', async () => {
    const { store, config } = await openTestStore();
    const feed = start(store, { pollMs: 10 });
    const seen = take(feed, 0, 2);
    const other = await openStore(config, silentLog);
    await other.record(delivery(1, 'sumsub', { subjectRef: 'a' }));
    await other.record(delivery(2, 'sumsub', { subjectRef: 'b' }));
    await other.close();
    expect(await seen).toEqual([1, 2]);
  });

  it('follows a merge from either user while catching up', async () => {
    const { store } = await openTestStore();
    await writeHistory(store);
    const { changes: all } = await store.read.tail(0, 1000, {});
    const merge = all.find(({ cause }) => cause.mergedUserId !== null);
    if (!merge?.cause.mergedUserId) throw new Error('expected a merge');
    const both = [merge.userId, merge.cause.mergedUserId];
    const expected = all.filter(({ userId }) => both.includes(userId)).map(({ seq }) => seq);
    const feed = start(store);
    for (const id of both) {
      expect(await take(feed, 0, expected.length, { userIds: [id] })).toEqual(expected);
    }
  });

  it('returns the oldest cursor if the log was trimmed', async () => {
    const { store } = await openTestStore({}, { clock: () => NOW });
    await writeHistory(store);
    await store.trimLog(new Date(NOW.getTime() + 1));
    const { floor } = await store.read.logState();
    expect(floor.seq).toBeGreaterThan(0);
    const failure = await take(start(store), 0, 1).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CursorExpiredError);
    if (!(failure instanceof CursorExpiredError)) return;
    expect(decodeCursor(store.logId, failure.oldestCursor)).toEqual(floor);
  });
});
