import { setImmediate as turn } from 'node:timers/promises';
import type { Change } from '../../src/domain/change';
import { decodeCursor, toPosition } from '../../src/domain/cursor';
import {
  CursorExpiredError,
  CursorInvalidError,
  StoreUnavailableError,
} from '../../src/domain/errors';
import { createFeed, type Feed, type FeedOptions } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import { at } from '../support/changes';
import { createDisposal } from '../support/disposal';
import { createRecordedLog, silentLog } from '../support/logs';
import { createMemoryLog, type MemoryLog } from '../support/memory-log';

const disposal = createDisposal();
const LOG_ID = 'log';
/** No test waits for a poll, so every entry that arrives was caused by a wake-up. */
const NEVER_MS = 1_000_000;

function start(log: MemoryLog, options: Partial<FeedOptions> = {}): Feed {
  const feed = createFeed({
    read: log,
    logId: LOG_ID,
    wakeup: createMemoryWakeup(),
    log: silentLog,
    pollMs: NEVER_MS,
    ...options,
  });
  disposal.defer(() => feed.stop());
  return feed;
}

function subscribe(feed: Feed, options: Partial<Parameters<Feed['subscribe']>[0]> = {}) {
  return feed.subscribe({ filter: {}, signal: new AbortController().signal, ...options });
}

async function take(changes: AsyncIterator<Change>, count: number): Promise<number[]> {
  const seqs: number[] = [];
  while (seqs.length < count) {
    const { value, done } = await changes.next();
    if (done) throw new Error(`the stream ended after ${seqs.length} of ${count} entries`);
    seqs.push(value.seq);
  }
  return seqs;
}

function commit(log: MemoryLog, count: number, parts: Partial<Change> = {}): void {
  for (let index = 0; index < count; index += 1) log.commit(parts);
}

function entryAt(log: MemoryLog, seq: number): Change {
  const entry = log.entries[seq - 1];
  if (entry === undefined) throw new Error(`the log has no entry ${seq}`);
  return entry;
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Runs the event loop until no more work can be done without further input. */
async function waitUntilIdle(): Promise<void> {
  for (let count = 0; count < 50; count += 1) await turn();
}

describe('subscribe', () => {
  it('returns later commits if no position is given', async () => {
    const log = createMemoryLog();
    commit(log, 3);
    const feed = start(log);
    const changes = subscribe(feed);
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([4, 5]);
  });

  it('returns all entries after the position, then live entries', async () => {
    const log = createMemoryLog();
    commit(log, 700);
    const feed = start(log);
    const changes = subscribe(feed, { after: at(10) });
    expect(await take(changes, 690)).toEqual(range(11, 700));
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([701, 702]);
  });

  it('starts at the start of the log for position 0', async () => {
    const log = createMemoryLog();
    commit(log, 2);
    expect(await take(subscribe(start(log), { after: at(0) }), 2)).toEqual([1, 2]);
  });

  it('returns only matching entries', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { after: at(0), filter: { userIds: [2], provider: 'p100' } });
    log.commit({ userId: 2, provider: 'p100' });
    log.commit({ userId: 1, provider: 'p100' });
    log.commit({ userId: 2, provider: 'sumsub' });
    log.commit({ userId: 2, provider: 'p100' });
    feed.wake();
    expect(await take(changes, 2)).toEqual([1, 4]);
  });

  it('rejects a position before the start of a trimmed log and returns the oldest position', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(6);
    const failure = await subscribe(start(log), { after: at(5) })
      .next()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CursorExpiredError);
    if (!(failure instanceof CursorExpiredError)) return;
    expect(decodeCursor(LOG_ID, failure.oldestCursor)).toEqual(toPosition(entryAt(log, 6)));
  });

  it('accepts the oldest position of a trimmed log', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(6);
    expect(await take(subscribe(start(log), { after: at(6) }), 4)).toEqual([7, 8, 9, 10]);
  });

  it('rejects a position after the head', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    await expect(subscribe(start(log), { after: at(11) }).next()).rejects.toThrow(
      CursorInvalidError,
    );
  });

  it('accepts a position that the tail has not reached yet', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await waitUntilIdle();
    commit(log, 10); // without a wake-up
    const changes = subscribe(feed, { after: at(10) });
    const next = changes.next();
    await waitUntilIdle();
    commit(log, 1);
    feed.wake();
    expect(await next).toMatchObject({ value: { seq: 11 } });
  });

  it('ends the stream after an error', async () => {
    const log = createMemoryLog();
    const changes = subscribe(start(log), { after: at(1) });
    await expect(changes.next()).rejects.toThrow(CursorInvalidError);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });
});

describe('the tail', () => {
  it('reads each entry once for all subscribers', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const all = range(1, 50).map(() => subscribe(feed));
    const taking = Promise.all(all.map((changes) => take(changes, 3)));
    await waitUntilIdle();
    const before = log.reads;
    commit(log, 3);
    feed.wake();
    expect(await taking).toEqual(all.map(() => [1, 2, 3]));
    expect(log.reads - before).toBe(1);
  });

  it('serves subscribers that resume a little behind from memory', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const live = subscribe(feed);
    const seen = take(live, 100);
    await waitUntilIdle();
    commit(log, 100);
    feed.wake();
    await seen;
    const before = log.reads;
    expect(await take(subscribe(feed, { after: at(20) }), 80)).toEqual(range(21, 100));
    expect(log.reads).toBe(before);
  });

  it('finds entries of another process by polling', async () => {
    const log = createMemoryLog();
    const feed = start(log, { pollMs: 5 });
    const next = subscribe(feed).next();
    await waitUntilIdle();
    commit(log, 1);
    expect(await next).toMatchObject({ value: { seq: 1 } });
  });

  it('retries failed reads, including the first one, and logs them', async () => {
    const log = createMemoryLog();
    const recorded = createRecordedLog();
    log.failReads(3);
    const feed = start(log, { pollMs: 1, log: recorded.log });
    const changes = subscribe(feed, { after: at(0) });
    commit(log, 1);
    expect(await take(changes, 1)).toEqual([1]);
    log.failReads(3);
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([2, 3]);
    expect(recorded.lines.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0);
  });

  it('makes live subscribers read the log if it was trimmed before the tail read it', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { after: at(0) });
    const first = take(changes, 1);
    commit(log, 1);
    feed.wake();
    await first;
    const next = changes.next();
    await waitUntilIdle();
    commit(log, 9);
    log.trim(5);
    feed.wake();
    await expect(next).rejects.toThrow(CursorExpiredError);
  });
});

describe('a slow subscriber', () => {
  it('receives every entry once, in order', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 10, windowSize: 20 });
    const slow = subscribe(feed);
    const fast = subscribe(feed);
    const first = Promise.all([take(slow, 1), take(fast, 1)]);
    await waitUntilIdle();
    commit(log, 1);
    feed.wake();
    await first;
    const burst = take(fast, 5000);
    commit(log, 5000);
    feed.wake();
    expect(await burst).toEqual(range(2, 5001));
    expect(await take(slow, 5000)).toEqual(range(2, 5001));
    commit(log, 1);
    feed.wake();
    expect(await take(slow, 1)).toEqual([5002]);
  });

  it('causes no reads without a pending `next` call', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 10, windowSize: 20 });
    const idle = subscribe(feed);
    const first = take(idle, 1);
    await waitUntilIdle();
    commit(log, 1);
    feed.wake();
    await first;
    commit(log, 1000);
    feed.wake();
    await waitUntilIdle();
    const before = log.reads;
    await waitUntilIdle();
    expect(log.reads).toBe(before);
    expect(await take(idle, 1000)).toEqual(range(2, 1001));
  });

  it('drops queued entries that are older than the recent changes', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 1000, windowSize: 5 });
    const idle = subscribe(feed);
    const first = take(idle, 1);
    await waitUntilIdle();
    commit(log, 1);
    feed.wake();
    await first;
    commit(log, 5);
    feed.wake();
    await waitUntilIdle();
    expect(feed.stats().behind).toBe(0);
    commit(log, 100);
    feed.wake();
    await waitUntilIdle();
    expect(feed.stats().behind).toBe(1);
    expect(await take(idle, 105)).toEqual(range(2, 106));
  });

  it('receives an error if unread entries were trimmed', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 2, windowSize: 2 });
    const slow = subscribe(feed);
    const first = take(slow, 1);
    await waitUntilIdle();
    commit(log, 1);
    feed.wake();
    await first;
    commit(log, 100);
    feed.wake();
    await waitUntilIdle();
    log.trim(50);
    await expect(take(slow, 100)).rejects.toThrow(CursorExpiredError);
  });

  it('receives no error if only entries of other users were trimmed', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 2, windowSize: 2 });
    const changes = subscribe(feed, { filter: { userIds: [2] } });
    const taking = take(changes, 5);
    await waitUntilIdle();
    commit(log, 100);
    feed.wake();
    await waitUntilIdle();
    log.trim(90);
    commit(log, 5, { userId: 2 }); // more than the queue size
    feed.wake();
    expect(await taking).toEqual(range(101, 105));
  });
});

describe('a failing store', () => {
  it('is retried while it is unavailable, and logged once for all subscribers', async () => {
    const log = createMemoryLog();
    const recorded = createRecordedLog();
    commit(log, 1);
    const feed = start(log, { log: recorded.log });
    await waitUntilIdle();
    log.failReads(20);
    const taking = range(1, 10).map(() => take(subscribe(feed, { after: at(0) }), 1));
    expect(await Promise.all(taking)).toEqual(range(1, 10).map(() => [1]));
    expect(recorded.lines).toHaveLength(1);
  });

  it('ends the stream on any other error', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await waitUntilIdle();
    log.failReads(1, new Error('invalid byte sequence for encoding "UTF8": 0x00'));
    const changes = subscribe(feed, { after: at(0) });
    await expect(changes.next()).rejects.toThrow('invalid byte sequence');
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a restored log', () => {
  const positionIn = (log: MemoryLog, seq: number) => toPosition(entryAt(log, seq));

  it.each([0, 3, 20])('rejects lost positions after %i further entries', async (more) => {
    const log = createMemoryLog();
    commit(log, 10);
    const [lost, kept] = [positionIn(log, 8), positionIn(log, 5)];
    log.restoreTo(5);
    commit(log, more);
    const feed = start(log);
    await expect(subscribe(feed, { after: lost }).next()).rejects.toThrow(CursorInvalidError);
    const continued = subscribe(feed, { after: kept });
    const next = take(continued, 1);
    commit(log, 1);
    feed.wake();
    expect(await next).toEqual([6]);
  });

  it.each([0, 3, 20])('ends the streams of the old log after %i further entries', async (more) => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 2, windowSize: 2 });
    const live = subscribe(feed);
    const slow = subscribe(feed);
    const waiting = subscribe(feed, { filter: { userIds: [] }, awaitedUser: 'ann' });
    const taking = Promise.all([take(live, 10), take(slow, 1)]);
    const never = waiting.next();
    await waitUntilIdle();
    commit(log, 10);
    feed.wake();
    await taking;
    const next = live.next();
    log.restoreTo(5);
    commit(log, more);
    feed.wake();
    await expect(next).rejects.toThrow(CursorInvalidError);
    await expect(never).rejects.toThrow(CursorInvalidError);
    await expect(slow.next()).rejects.toThrow(CursorInvalidError);
    expect(await live.next()).toEqual({ done: true, value: undefined });
  });

  it('is read by later subscribers', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const before = subscribe(feed);
    const seen = take(before, 10);
    await waitUntilIdle();
    commit(log, 10);
    feed.wake();
    await seen;
    log.restoreTo(5);
    const ended = before.next();
    feed.wake();
    await expect(ended).rejects.toThrow(CursorInvalidError);
    const after = subscribe(feed);
    const next = take(after, 2);
    await waitUntilIdle();
    commit(log, 2);
    feed.wake();
    expect(await next).toEqual([6, 7]);
  });

  it('is not mixed with the old log for a subscriber that resumes before the feed detects it', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const before = subscribe(feed);
    const seen = take(before, 10);
    await waitUntilIdle();
    commit(log, 10);
    feed.wake();
    await seen;
    const kept = positionIn(log, 5);
    log.restoreTo(5);
    commit(log, 7, { userId: 2 });
    const after = subscribe(feed, { after: kept });
    const entries = range(6, 12).map(async () => (await after.next()).value?.userId);
    expect(await Promise.all(entries)).toEqual(range(6, 12).map(() => 2));
  });

  it('checks the nonce of the oldest position, although its entry was trimmed', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    const position = positionIn(log, 10);
    log.trim(10);
    const feed = start(log);
    const next = subscribe(feed, { after: position }).next();
    await expect(subscribe(feed, { after: { seq: 10, nonce: 1 } }).next()).rejects.toThrow(
      CursorInvalidError,
    );
    commit(log, 1);
    feed.wake();
    expect(await next).toMatchObject({ value: { seq: 11 } });
  });
});

describe('a subscriber to a user that does not exist yet', () => {
  const waitFor = (
    feed: Feed,
    awaitedUser: string,
    parts: Partial<Parameters<Feed['subscribe']>[0]> = {},
  ) => subscribe(feed, { filter: { userIds: [] }, awaitedUser, ...parts });

  it('receives the entries of the user from the first one', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const next = take(waitFor(feed, 'ann'), 2);
    await waitUntilIdle();
    commit(log, 3, { userId: 7 });
    feed.wake();
    await waitUntilIdle();
    log.name('ann', 8);
    log.commit({ userId: 8 });
    log.commit({ userId: 7 });
    log.commit({ userId: 8 });
    feed.wake();
    expect(await next).toEqual([4, 6]);
  });

  it('shares one lookup per batch of entries with all waiting subscribers', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const waiting = range(1, 500).map((each) => waitFor(feed, `user-${each}`));
    for (const changes of waiting) void changes.next();
    await waitUntilIdle();
    const [lookUps, reads] = [log.lookUps, log.reads];
    expect(lookUps).toBe(500);
    commit(log, 100, { userId: 7 });
    feed.wake();
    await waitUntilIdle();
    expect(log.lookUps - lookUps).toBe(1);
    expect(log.reads - reads).toBe(1);
    expect(feed.stats().behind).toBe(0);
  });

  it('receives the entries of a user that was created without an entry', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await waitUntilIdle();
    log.name('ann', 8); // for example by `createUser`, which appends no entry
    const next = take(waitFor(feed, 'ann'), 1);
    await waitUntilIdle();
    log.commit({ userId: 8 });
    feed.wake();
    expect(await next).toEqual([1]);
  });

  it('starts after the given position', async () => {
    const log = createMemoryLog();
    commit(log, 10, { userId: 8 });
    const feed = start(log);
    log.name('ann', 8);
    expect(await take(waitFor(feed, 'ann', { after: at(4) }), 6)).toEqual(range(5, 10));
  });

  it('receives an error at once if the position is invalid', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(5);
    const feed = start(log);
    await expect(waitFor(feed, 'ann', { after: at(3) }).next()).rejects.toThrow(CursorExpiredError);
    await expect(waitFor(feed, 'ann', { after: at(11) }).next()).rejects.toThrow(
      CursorInvalidError,
    );
  });

  it('receives the merge that creates the user, and later entries', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const next = take(waitFor(feed, 'ann'), 2);
    await waitUntilIdle();
    log.name('ann', 8);
    log.merge(8, 9);
    log.commit({ userId: 9 });
    feed.wake();
    expect(await next).toEqual([1, 2]);
  });

  it('receives the entries after a failed lookup was retried', async () => {
    const log = createMemoryLog();
    let lookUps = 0;
    const externalIdsOf: MemoryLog['externalIdsOf'] = (userIds) => {
      lookUps += 1;
      return lookUps === 1
        ? Promise.reject(new StoreUnavailableError())
        : log.externalIdsOf(userIds);
    };
    const feed = start({ ...log, externalIdsOf });
    const next = take(waitFor(feed, 'ann'), 1);
    await waitUntilIdle();
    log.name('ann', 8);
    log.commit({ userId: 8 });
    feed.wake();
    expect(await next).toEqual([1]);
    expect(lookUps).toBe(2);
  });

  it('receives an error if the log was trimmed before the tail read it', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const next = take(waitFor(feed, 'ann'), 1);
    await waitUntilIdle();
    log.name('ann', 8);
    commit(log, 9, { userId: 8 });
    log.trim(5);
    log.commit({ userId: 8 });
    feed.wake();
    await expect(next).rejects.toThrow(CursorExpiredError);
  });

  it('ends when the signal aborts', async () => {
    const abort = new AbortController();
    const feed = start(createMemoryLog());
    const next = waitFor(feed, 'ann', { signal: abort.signal }).next();
    await waitUntilIdle();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(feed.stats().subscriptions).toBe(0);
  });
});

describe('a merge of users', () => {
  it('moves live subscribers of the merged user to the remaining one', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { filter: { userIds: [1] } });
    const taking = take(changes, 3);
    await waitUntilIdle();
    log.commit({ userId: 1 });
    log.commit({ userId: 2 });
    log.merge(1, 2);
    log.commit({ userId: 2 });
    feed.wake();
    expect(await taking).toEqual([1, 3, 4]);
  });

  it.each([
    ['in memory', 4096],
    ['in the store', 1],
  ])('is followed while catching up %s', async (_, windowSize) => {
    const log = createMemoryLog();
    const feed = start(log, { windowSize });
    await waitUntilIdle();
    log.commit({ userId: 1 });
    log.merge(1, 2);
    log.commit({ userId: 2 });
    log.merge(2, 3);
    log.commit({ userId: 3 });
    commit(log, 20, { userId: 9 });
    feed.wake();
    await waitUntilIdle();
    const changes = subscribe(feed, { after: at(0), filter: { userIds: [1] } });
    expect(await take(changes, 5)).toEqual([1, 2, 3, 4, 5]);
    const next = take(changes, 1);
    await waitUntilIdle();
    log.commit({ userId: 3 });
    feed.wake();
    expect(await next).toEqual([26]);
  });

  it('is not missed between two reads for one page', async () => {
    const log = createMemoryLog();
    log.commit({ userId: 1 });
    commit(log, 20, { userId: 9 });
    let merged = false;
    const tail: MemoryLog['tail'] = (afterSeq, limit, filter) => {
      if (filter.userIds !== undefined && !merged) {
        merged = true;
        log.merge(1, 2);
        log.commit({ userId: 2 });
      }
      return log.tail(afterSeq, limit, filter);
    };
    const feed = start({ ...log, tail }, { windowSize: 1 });
    const changes = subscribe(feed, { after: at(0), filter: { userIds: [1] } });
    expect(await take(changes, 3)).toEqual([1, 22, 23]);
  });

  it('is followed if it was committed before the position', async () => {
    const log = createMemoryLog();
    log.merge(1, 2);
    const feed = start(log);
    const next = take(subscribe(feed, { filter: { userIds: [1] } }), 1);
    await waitUntilIdle();
    log.commit({ userId: 2 });
    feed.wake();
    expect(await next).toEqual([2]);
  });

  it('returns entries of the merged user to a subscriber of the remaining one', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    log.commit({ userId: 1 });
    log.merge(1, 2);
    feed.wake();
    expect(await take(subscribe(feed, { after: at(0), filter: { userIds: [2] } }), 2)).toEqual([
      1, 2,
    ]);
  });

  it('is followed although its own entry does not match', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { filter: { userIds: [1], provider: 'sumsub' } });
    const next = take(changes, 1);
    await waitUntilIdle();
    log.merge(1, 2);
    log.commit({ userId: 2 });
    feed.wake();
    expect(await next).toEqual([2]);
  });
});

describe('the end of a stream', () => {
  it('follows when the signal aborts, even during a pending `next` call', async () => {
    const abort = new AbortController();
    const changes = subscribe(start(createMemoryLog()), { signal: abort.signal });
    const next = changes.next();
    await waitUntilIdle();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('is immediate if the signal was already aborted', async () => {
    const changes = subscribe(start(createMemoryLog()), { signal: AbortSignal.abort() });
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('follows after `return`, even during a pending `next` call', async () => {
    const changes = subscribe(start(createMemoryLog()));
    const next = changes.next();
    await waitUntilIdle();
    await changes.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('drops queued entries', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { after: at(0) });
    commit(log, 10);
    feed.wake();
    await take(changes, 1);
    await changes.return?.();
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('does not affect other subscribers', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const [leaving, staying] = [subscribe(feed), subscribe(feed)];
    const taking = take(staying, 2);
    const left = leaving.next();
    await waitUntilIdle();
    await leaving.return?.();
    await left;
    commit(log, 2);
    feed.wake();
    expect(await taking).toEqual([1, 2]);
  });

  it('follows when the feed stops, even if no read ever succeeded', async () => {
    const log = createMemoryLog();
    log.failReads(1_000_000);
    const feed = start(log);
    const next = subscribe(feed).next();
    await waitUntilIdle();
    await feed.stop();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('comes after concurrent `next` calls have returned entries in order', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { after: at(0) });
    const together = Promise.all([changes.next(), changes.next(), changes.next()]);
    commit(log, 3);
    feed.wake();
    expect((await together).map(({ value }) => value.seq)).toEqual([1, 2, 3]);
  });
});
