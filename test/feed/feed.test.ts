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

function entryAt(log: MemoryLog, seq: number): Change {
  const entry = log.entries[seq - 1];
  if (entry === undefined) throw new Error(`the log has no entry ${seq}`);
  return entry;
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
    const changes = subscribe(feed, { after: at(10) });
    expect(await take(changes, 690)).toEqual(range(11, 700));
    commit(log, 2);
    feed.wake();
    expect(await take(changes, 2)).toEqual([701, 702]);
  });

  it('from the start of the log is position 0', async () => {
    const log = createMemoryLog();
    commit(log, 2);
    expect(await take(subscribe(start(log), { after: at(0) }), 2)).toEqual([1, 2]);
  });

  it('gives only what matches', async () => {
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

  it('fails where the log no longer reaches back, and names the oldest position held', async () => {
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

  it('succeeds from the oldest position held', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(6);
    expect(await take(subscribe(start(log), { after: at(6) }), 4)).toEqual([7, 8, 9, 10]);
  });

  it('fails beyond the head', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    await expect(subscribe(start(log), { after: at(11) }).next()).rejects.toThrow(
      CursorInvalidError,
    );
  });

  it('accepts a position that the tail has not reached yet', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await settle();
    commit(log, 10); // nobody woke the feed
    const changes = subscribe(feed, { after: at(10) });
    const next = changes.next();
    await settle();
    commit(log, 1);
    feed.wake();
    expect(await next).toMatchObject({ value: { seq: 11 } });
  });

  it('is over after a failure', async () => {
    const log = createMemoryLog();
    const changes = subscribe(start(log), { after: at(1) });
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
    expect(await take(subscribe(feed, { after: at(20) }), 80)).toEqual(range(21, 100));
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
    const changes = subscribe(feed, { after: at(0) });
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
    const changes = subscribe(feed, { after: at(0) });
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

  it('keeps no entries in memory that have left the shared window', async () => {
    const log = createMemoryLog();
    const feed = start(log, { queueSize: 1000, windowSize: 5 });
    const idle = subscribe(feed);
    const first = take(idle, 1);
    await settle();
    commit(log, 1);
    feed.wake();
    await first;
    commit(log, 5);
    feed.wake();
    await settle();
    expect(feed.standing().behind).toBe(0);
    commit(log, 100);
    feed.wake();
    await settle();
    expect(feed.standing().behind).toBe(1);
    expect(await take(idle, 105)).toEqual(range(2, 106));
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

describe('a store that cannot be read', () => {
  it('is retried while it is unavailable, and logged once, however many wait for it', async () => {
    const log = createMemoryLog();
    const recorded = createRecordedLog();
    commit(log, 1);
    const feed = start(log, { log: recorded.log });
    await settle();
    log.failReads(20);
    const taking = range(1, 10).map(() => take(subscribe(feed, { after: at(0) }), 1));
    expect(await Promise.all(taking)).toEqual(range(1, 10).map(() => [1]));
    expect(recorded.lines).toHaveLength(1);
  });

  it('ends the stream where the fault is the request’s own', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await settle();
    log.failReads(1, new Error('invalid byte sequence for encoding "UTF8": 0x00'));
    const changes = subscribe(feed, { after: at(0) });
    await expect(changes.next()).rejects.toThrow('invalid byte sequence');
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a log that was restored to an earlier moment', () => {
  const positionIn = (log: MemoryLog, seq: number) => toPosition(entryAt(log, seq));

  it.each([0, 3, 20])('refuses positions that are lost, after %i further entries', async (more) => {
    const log = createMemoryLog();
    commit(log, 10);
    const [lost, held] = [positionIn(log, 8), positionIn(log, 5)];
    log.restoreTo(5);
    commit(log, more);
    const feed = start(log);
    await expect(subscribe(feed, { after: lost }).next()).rejects.toThrow(CursorInvalidError);
    const continued = subscribe(feed, { after: held });
    const next = take(continued, 1);
    commit(log, 1);
    feed.wake();
    expect(await next).toEqual([6]);
  });

  it.each([0, 3, 20])(
    'ends the streams that followed it, after %i further entries',
    async (more) => {
      const log = createMemoryLog();
      const feed = start(log, { queueSize: 2, windowSize: 2 });
      const live = subscribe(feed);
      const slow = subscribe(feed);
      const waiting = subscribe(feed, { filter: { userIds: [] }, awaited: 'ann' });
      const taking = Promise.all([take(live, 10), take(slow, 1)]);
      const never = waiting.next();
      await settle();
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
    },
  );

  it('is followed by those who subscribe after that', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const before = subscribe(feed);
    const seen = take(before, 10);
    await settle();
    commit(log, 10);
    feed.wake();
    await seen;
    log.restoreTo(5);
    const ended = before.next();
    feed.wake();
    await expect(ended).rejects.toThrow(CursorInvalidError);
    const after = subscribe(feed);
    const next = take(after, 2);
    await settle();
    commit(log, 2);
    feed.wake();
    expect(await next).toEqual([6, 7]);
  });

  it('is not mixed up with the one before, for those who resume before the feed has noticed', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const before = subscribe(feed);
    const seen = take(before, 10);
    await settle();
    commit(log, 10);
    feed.wake();
    await seen;
    const held = positionIn(log, 5);
    log.restoreTo(5);
    commit(log, 7, { userId: 2 });
    const after = subscribe(feed, { after: held });
    const entries = range(6, 12).map(async () => (await after.next()).value?.userId);
    expect(await Promise.all(entries)).toEqual(range(6, 12).map(() => 2));
  });

  it('answers from the floor as well, if the entry there was trimmed', async () => {
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

describe('a subscriber for a user who does not exist yet', () => {
  const waitFor = (
    feed: Feed,
    awaited: string,
    parts: Partial<Parameters<Feed['subscribe']>[0]> = {},
  ) => subscribe(feed, { filter: { userIds: [] }, awaited, ...parts });

  it('is given what is about the user, from their first entry on', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const next = take(waitFor(feed, 'ann'), 2);
    await settle();
    commit(log, 3, { userId: 7 });
    feed.wake();
    await settle();
    log.name('ann', 8);
    log.commit({ userId: 8 });
    log.commit({ userId: 7 });
    log.commit({ userId: 8 });
    feed.wake();
    expect(await next).toEqual([4, 6]);
  });

  it('costs no look-up of its own: entries are looked up, not subscribers', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const waiting = range(1, 500).map((each) => waitFor(feed, `user-${each}`));
    for (const changes of waiting) void changes.next();
    await settle();
    const [lookUps, reads] = [log.lookUps, log.reads];
    expect(lookUps).toBe(500);
    commit(log, 100, { userId: 7 });
    feed.wake();
    await settle();
    expect(log.lookUps - lookUps).toBe(1);
    expect(log.reads - reads).toBe(1);
    expect(feed.standing().behind).toBe(0);
  });

  it('is given it, though the user was created between the question and the wait', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    await settle();
    log.name('ann', 8); // e.g. by `createUser`, which no entry tells of
    const next = take(waitFor(feed, 'ann'), 1);
    await settle();
    log.commit({ userId: 8 });
    feed.wake();
    expect(await next).toEqual([1]);
  });

  it('begins where it was asked to', async () => {
    const log = createMemoryLog();
    commit(log, 10, { userId: 8 });
    const feed = start(log);
    log.name('ann', 8);
    expect(await take(waitFor(feed, 'ann', { after: at(4) }), 6)).toEqual(range(5, 10));
  });

  it('is told at once if it cannot begin there', async () => {
    const log = createMemoryLog();
    commit(log, 10);
    log.trim(5);
    const feed = start(log);
    await expect(waitFor(feed, 'ann', { after: at(3) }).next()).rejects.toThrow(CursorExpiredError);
    await expect(waitFor(feed, 'ann', { after: at(11) }).next()).rejects.toThrow(
      CursorInvalidError,
    );
  });

  it('is given what follows a merge by which its user appears', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const next = take(waitFor(feed, 'ann'), 2);
    await settle();
    log.name('ann', 8);
    log.merge(8, 9);
    log.commit({ userId: 9 });
    feed.wake();
    expect(await next).toEqual([1, 2]);
  });

  it('is given it where the look-up had to be repeated', async () => {
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
    await settle();
    log.name('ann', 8);
    log.commit({ userId: 8 });
    feed.wake();
    expect(await next).toEqual([1]);
    expect(lookUps).toBe(2);
  });

  it('is told where the log was cut before it could be read', async () => {
    const log = createMemoryLog();
    const feed = start(log);
    const next = take(waitFor(feed, 'ann'), 1);
    await settle();
    log.name('ann', 8);
    commit(log, 9, { userId: 8 });
    log.trim(5);
    log.commit({ userId: 8 });
    feed.wake();
    await expect(next).rejects.toThrow(CursorExpiredError);
  });

  it('ends with the signal', async () => {
    const abort = new AbortController();
    const feed = start(createMemoryLog());
    const next = waitFor(feed, 'ann', { signal: abort.signal }).next();
    await settle();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(feed.standing().subscriptions).toBe(0);
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
    const changes = subscribe(feed, { after: at(0), filter: { userIds: [1] } });
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
    const changes = subscribe(feed, { after: at(0), filter: { userIds: [1] } });
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
    expect(await take(subscribe(feed, { after: at(0), filter: { userIds: [2] } }), 2)).toEqual([
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
    const changes = subscribe(feed, { after: at(0) });
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
    const changes = subscribe(feed, { after: at(0) });
    const together = Promise.all([changes.next(), changes.next(), changes.next()]);
    commit(log, 3);
    feed.wake();
    expect((await together).map(({ value }) => value.seq)).toEqual([1, 2, 3]);
  });
});
