import { setImmediate as turn } from 'node:timers/promises';
import type { Change } from '../../src/domain/change';
import { decodeCursor } from '../../src/domain/cursor';
import { CursorExpiredError, CursorInvalidError } from '../../src/domain/errors';
import { createFeed, type Feed, type FeedOptions } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/memory-wakeup';
import { createDisposal } from '../support/disposal';
import { createRecordedLog, silentLog } from '../support/logs';
import { createMemoryLog, type MemoryLog } from '../support/memory-log';

const disposal = createDisposal();
const LOG_ID = 'log';
/** Nothing here waits for a poll: whatever arrives was woken. */
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
    if (done) throw new Error(`the stream ended after ${seqs.length} of ${count}`);
    seqs.push(value.seq);
  }
  return seqs;
}

function commit(log: MemoryLog, count: number, parts: Partial<Change> = {}): void {
  for (let index = 0; index < count; index += 1) log.commit(parts);
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Long enough for everything that is not waiting for something else. */
async function settle(): Promise<void> {
  for (let count = 0; count < 50; count += 1) await turn();
}

describe('subscribing', () => {
  it('without a position gives what is committed from then on', async () => {
    const log = createMemoryLog();
    commit(log, 3);
    const feed = start(log);
    const changes = subscribe(feed);
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([4, 5]);
  });

  it('with a position gives everything behind it, then goes on live', async () => {
    const log = createMemoryLog();
    commit(log, 700);
    const feed = start(log);
    const changes = subscribe(feed, { afterSeq: 10 });
    expect(await take(changes, 690)).toEqual(range(11, 700));
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([701, 702]);
  });

  it('from the start of the log is position 0', async () => {
    const log = createMemoryLog();
    commit(log, 2);
    expect(await take(subscribe(start(log), { afterSeq: 0 }), 2)).toEqual([1, 2]);
  });

  it('gives only what matches', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { afterSeq: 0, filter: { userIds: [2], provider: 'p100' } });
    log.commit({ userId: 2, provider: 'p100' });
    log.commit({ userId: 1, provider: 'p100' });
    log.commit({ userId: 2, provider: 'sumsub' });
    log.commit({ userId: 2, provider: 'p100' });
    feed.wake();
    expect(await take(changes, 2)).toEqual([1, 4]);
  });

  it('fails where the log no longer reaches back, and names the oldest position held', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(6);
    const failure = await subscribe(start(log), { afterSeq: 5 })
      .next()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CursorExpiredError);
    if (!(failure instanceof CursorExpiredError)) return;
    expect(decodeCursor(LOG_ID, failure.oldestCursor)).toBe(6);
  });

  it('succeeds from the oldest position held', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(6);
    expect(await take(subscribe(start(log), { afterSeq: 6 }), 4)).toEqual([7, 8, 9, 10]);
  });

  it('fails beyond the head', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    await expect(subscribe(start(log), { afterSeq: 11 }).next()).rejects.toThrow(
      CursorInvalidError,
    );
  });

  it('accepts a position that the tail has not reached yet', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await settle();
    commit(log, 10); // nobody woke the feed
    const changes = subscribe(feed, { afterSeq: 10 });
    const next = changes.next();
    await settle();
    commit(log, 1);
    feed.wake();
    expect(await next).toMatchObject({ value: { seq: 11 } });
  });

  it('is over after a failure', async () => {
    const log = createMemoryLog();
    const changes = subscribe(start(log), { afterSeq: 1 });
    await expect(changes.next()).rejects.toThrow(CursorInvalidError);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });
});

describe('the tail', () => {
  it('reads each entry once, however many listen', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const all = range(1, 50).map(() => subscribe(feed));
    const taking = Promise.all(all.map((changes) => take(changes, 3)));
    await settle();
    const before = log.reads;
    commit(log, 3);
    feed.wake();
    expect(await taking).toEqual(all.map(() => [1, 2, 3]));
    expect(log.reads - before).toBe(1);
  });

  it('serves those who resume a little behind from memory', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const witness = subscribe(feed);
    const seen = take(witness, 100);
    await settle();
    commit(log, 100);
    feed.wake();
    await seen;
    const before = log.reads;
    expect(await take(subscribe(feed, { afterSeq: 20 }), 80)).toEqual(range(21, 100));
    expect(log.reads).toBe(before);
  });

  it('finds what another process wrote without being woken', async () => {
    const log = createMemoryLog();
    const feed = start(log, { pollMs: 5 });
    const next = subscribe(feed).next();
    await settle();
    commit(log, 1);
    expect(await next).toMatchObject({ value: { seq: 1 } });
  });

  it('outlives reads that fail, from the first one on, and says so', async () => {
    const log = createMemoryLog();
    const recorded = createRecordedLog();
    log.failReads(3);
    const feed = start(log, { pollMs: 1, log: recorded.log });
    const changes = subscribe(feed, { afterSeq: 0 });
    commit(log, 1);
    expect(await take(changes, 1)).toEqual([1]);
    log.failReads(3);
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([2, 3]);
    expect(recorded.lines.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0);
  });

  it('sends its listeners back to the log if that was cut before it could be read', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { afterSeq: 0 });
    const first = take(changes, 1);
    commit(log, 1);
    feed.wake();
    await first;
    const next = changes.next();
    await settle();
    commit(log, 9);
    log.trim(5);
    feed.wake();
    await expect(next).rejects.toThrow(CursorExpiredError);
  });
});

describe('a subscriber that does not keep up', () => {
  it('still gets everything, once, in order', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 10, windowSize: 20 });
    const slow = subscribe(feed);
    const fast = subscribe(feed);
    const first = Promise.all([take(slow, 1), take(fast, 1)]);
    await settle();
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

  it('has nothing read for it while it does not ask', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 10, windowSize: 20 });
    const idle = subscribe(feed);
    const first = take(idle, 1);
    await settle();
    commit(log, 1);
    feed.wake();
    await first;
    commit(log, 1000);
    feed.wake();
    await settle();
    const before = log.reads;
    await settle();
    expect(log.reads).toBe(before);
    expect(await take(idle, 1000)).toEqual(range(2, 1001));
  });

  it('is told if the log was cut away under it', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 2, windowSize: 2 });
    const slow = subscribe(feed);
    const first = take(slow, 1);
    await settle();
    commit(log, 1);
    feed.wake();
    await first;
    commit(log, 100);
    feed.wake();
    await settle();
    log.trim(50);
    await expect(take(slow, 100)).rejects.toThrow(CursorExpiredError);
  });

  it('is not told so for entries that do not concern it', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 2, windowSize: 2 });
    const rare = subscribe(feed, { filter: { userIds: [2] } });
    const taking = take(rare, 5);
    await settle();
    commit(log, 100);
    feed.wake();
    await settle();
    log.trim(90);
    commit(log, 5, { userId: 2 }); // more than its queue holds
    feed.wake();
    expect(await taking).toEqual(range(101, 105));
  });
});

describe('a merge of users', () => {
  it('takes along those who listen to the user that is gone', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { filter: { userIds: [1] } });
    const taking = take(changes, 3);
    await settle();
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
    await settle();
    log.commit({ userId: 1 });
    log.merge(1, 2);
    log.commit({ userId: 2 });
    log.merge(2, 3);
    log.commit({ userId: 3 });
    commit(log, 20, { userId: 9 });
    feed.wake();
    await settle();
    const changes = subscribe(feed, { afterSeq: 0, filter: { userIds: [1] } });
    expect(await take(changes, 5)).toEqual([1, 2, 3, 4, 5]);
    const next = take(changes, 1);
    await settle();
    log.commit({ userId: 3 });
    feed.wake();
    expect(await next).toEqual([26]);
  });

  it('that happens between two reads for one page is not stepped over', async () => {
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
    const changes = subscribe(feed, { afterSeq: 0, filter: { userIds: [1] } });
    expect(await take(changes, 3)).toEqual([1, 22, 23]);
  });

  it('that lies before the position is known too', async () => {
    const log = createMemoryLog();
    log.merge(1, 2);
    const feed = start(log);
    const next = take(subscribe(feed, { filter: { userIds: [1] } }), 1);
    await settle();
    log.commit({ userId: 2 });
    feed.wake();
    expect(await next).toEqual([2]);
  });

  it('gives who resumes as the surviving user what was written about the other', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    log.commit({ userId: 1 });
    log.merge(1, 2);
    feed.wake();
    expect(await take(subscribe(feed, { afterSeq: 0, filter: { userIds: [2] } }), 2)).toEqual([
      1, 2,
    ]);
  });

  it('is followed although its own entry is filtered out', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { filter: { userIds: [1], provider: 'sumsub' } });
    const next = take(changes, 1);
    await settle();
    log.merge(1, 2);
    log.commit({ userId: 2 });
    feed.wake();
    expect(await next).toEqual([2]);
  });
});

describe('ending', () => {
  it('comes with the signal, also for a read that waits', async () => {
    const abort = new AbortController();
    const changes = subscribe(start(createMemoryLog()), { signal: abort.signal });
    const next = changes.next();
    await settle();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('has come already if the signal was aborted before', async () => {
    const changes = subscribe(start(createMemoryLog()), { signal: AbortSignal.abort() });
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('comes with `return`, also for a read that waits', async () => {
    const changes = subscribe(start(createMemoryLog()));
    const next = changes.next();
    await settle();
    await changes.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('drops what still waits', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { afterSeq: 0 });
    commit(log, 10);
    feed.wake();
    await take(changes, 1);
    await changes.return?.();
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('leaves the others alone', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const [leaving, staying] = [subscribe(feed), subscribe(feed)];
    const taking = take(staying, 2);
    const left = leaving.next();
    await settle();
    await leaving.return?.();
    await left;
    commit(log, 2);
    feed.wake();
    expect(await taking).toEqual([1, 2]);
  });

  it('comes for all when the feed stops, even if the store never answered', async () => {
    const log = createMemoryLog();
    log.failReads(1_000_000);
    const feed = start(log);
    const next = subscribe(feed).next();
    await settle();
    await feed.stop();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('answers reads that were asked for together one after the other', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const changes = subscribe(feed, { afterSeq: 0 });
    const together = Promise.all([changes.next(), changes.next(), changes.next()]);
    commit(log, 3);
    feed.wake();
    expect((await together).map(({ value }) => value.seq)).toEqual([1, 2, 3]);
  });
});
