/** Property: with any commits, read speeds, disconnects and restarts, each subscriber sees each matching entry once, in order. */

import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change';
import type { FrameEncoder } from '../../src/feed/broadcast-queue';
import { createFeed, type Feed } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import type { ChangeFilter } from '../../src/store/read/filters';
import { at } from '../support/changes';
import { silentLog } from '../support/logs';
import { createMemoryLog, type MemoryLog } from '../support/memory-log';
import { runCount } from '../support/run-count';

const USERS = 6;

type Entry = Pick<Change, 'userId' | 'provider' | 'attemptStatus'>;

interface Plan {
  readonly filter: ChangeFilter;
  /** Turns of the event loop to wait after each item. */
  readonly pace: number;
  /** Number of items after which the client disconnects. It resumes after the last one, every time. */
  readonly disconnectsAfter: number;
  /** Number of calls that the sink accepts before it rejects one, repeatedly. Null: no sink. */
  readonly accepts: number | null;
}

type Step =
  | { readonly kind: 'commit'; readonly changes: readonly Entry[] }
  | { readonly kind: 'merge'; readonly from: number; readonly into: number }
  | { readonly kind: 'rest'; readonly turns: number }
  | { readonly kind: 'fail'; readonly times: number }
  | { readonly kind: 'restart' };

const user = fc.integer({ min: 1, max: USERS });
const provider = fc.constantFrom('sumsub', 'p100');
const attemptStatus = fc.constantFrom('APPROVED' as const, 'IN_PROGRESS' as const);
const change = fc.record({ userId: user, provider, attemptStatus });

const filter: fc.Arbitrary<ChangeFilter> = fc.record(
  {
    userIds: fc.uniqueArray(user, { minLength: 1, maxLength: 2 }),
    provider,
    attemptStatus: attemptStatus.map((status) => [status]),
  },
  { requiredKeys: [] },
);
const plan: fc.Arbitrary<Plan> = fc.record({
  filter,
  pace: fc.integer({ min: 0, max: 6 }),
  disconnectsAfter: fc.integer({ min: 1, max: 40 }),
  accepts: fc.option(fc.integer({ min: 1, max: 12 })),
});
const plainStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('commit' as const),
    changes: fc.array(change, { minLength: 1, maxLength: 30 }),
  }),
  fc.record({ kind: fc.constant('rest' as const), turns: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('fail' as const), times: fc.integer({ min: 1, max: 4 }) }),
  fc.constant({ kind: 'restart' as const }),
);
const mergeStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('merge' as const),
  from: user,
  into: user,
});

describe('the feed', () => {
  it('sends each matching entry exactly once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plainStep, { minLength: 1, maxLength: 25 }),
        fc.array(plan, { minLength: 1, maxLength: 5 }),
        async (steps, plans) => {
          const { entries, seen } = await play(steps, plans);
          plans.forEach(({ filter: wanted }, index) => {
            expect(seen[index]).toEqual(findRequired(wanted, entries));
          });
        },
      ),
      { numRuns: runCount(60) },
    );
  });

  it('sends all entries of merged users, and none of other users', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ arbitrary: plainStep, weight: 3 }, mergeStep), { maxLength: 25 }),
        fc.array(plan, { minLength: 1, maxLength: 5 }),
        async (steps, plans) => {
          const { entries, seen } = await play(steps, plans);
          plans.forEach(({ filter: wanted }, index) => {
            const seqs = seen[index] ?? [];
            expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
            expect(seqs).toEqual(expect.arrayContaining([...findRequired(wanted, entries)]));
            expect(findAllowed(wanted, entries)).toEqual(expect.arrayContaining(seqs));
          });
        },
      ),
      { numRuns: runCount(60) },
    );
  });
});

// Expected entries, computed independently of the code under test

/** Returns the entries of the users in the filter and, after a merge, of the user they were merged into. */
function findRequired(wanted: ChangeFilter, entries: readonly Change[]): readonly number[] {
  const users = new Set(wanted.userIds);
  return entries
    .filter((entry) => {
      const { mergedUserId } = entry.cause;
      if (mergedUserId !== null && users.has(mergedUserId)) users.add(entry.userId);
      return (wanted.userIds === undefined || users.has(entry.userId)) && meets(wanted, entry);
    })
    .map(({ seq }) => seq);
}

/** Returns the entries of all users who are merged with one in the filter at the end. */
function findAllowed(wanted: ChangeFilter, entries: readonly Change[]): readonly number[] {
  const users = new Set(wanted.userIds);
  for (let round = 0; round < USERS; round += 1) {
    for (const { userId, cause } of entries) {
      if (cause.mergedUserId === null) continue;
      if (users.has(userId)) users.add(cause.mergedUserId);
      if (users.has(cause.mergedUserId)) users.add(userId);
    }
  }
  return entries
    .filter((entry) => wanted.userIds === undefined || users.has(entry.userId))
    .filter((entry) => meets(wanted, entry))
    .map(({ seq }) => seq);
}

function meets(wanted: ChangeFilter, entry: Change): boolean {
  if (wanted.provider !== undefined && entry.provider !== wanted.provider) return false;
  if (wanted.attemptStatus === undefined) return true;
  return entry.attemptStatus !== null && wanted.attemptStatus.includes(entry.attemptStatus);
}

// One run

interface World {
  readonly log: MemoryLog;
  readonly survivors: Map<number, number>;
  feed: Feed;
}

async function play(steps: readonly Step[], plans: readonly Plan[]) {
  const log = createMemoryLog();
  const world: World = { log, survivors: new Map(), feed: startFeed(log) };
  const end = new AbortController();
  const seen = plans.map((): number[] => []);
  const reading = plans.map((each, index) => read(world, each, seen[index] ?? [], end.signal));

  for (const step of steps) await perform(world, step);
  log.failReads(0);
  const last = plans.map(({ filter: wanted }) => findRequired(wanted, log.entries).at(-1) ?? 0);
  while (!seen.every((seqs, index) => (seqs.at(-1) ?? 0) >= (last[index] ?? 0))) await turn();
  for (let rest = 0; rest < 20; rest += 1) await turn(); // time for duplicates to arrive

  end.abort();
  await Promise.all(reading);
  await world.feed.stop();
  return { entries: log.entries, seen };
}

function startFeed(log: MemoryLog): Feed {
  const wakeup = createMemoryWakeup();
  const limits = { windowSize: 15, queueSize: 8, pollMs: 1 }; // so that every subscriber falls behind at times
  return createFeed({ read: log, logId: 'log', wakeup, log: silentLog, ...limits });
}

/** Encodes an entry as its position: at once, late, or not at all. */
const POSITION: FrameEncoder<number> = {
  async encode({ seq }) {
    for (let rest = 0; rest < seq % 4; rest += 1) await turn();
    if (seq % 7 === 0) throw new Error('cannot encode this entry');
    return seq;
  },
};

/** A client that resumes after the last entry it received, after every disconnect and restart. */
async function read(world: World, each: Plan, seqs: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const after = at(seqs.at(-1) ?? 0);
    let count = 0;
    let calls = 0;
    const stream = world.feed.subscribe({ after, filter: each.filter, signal });
    const receive = (...more: readonly number[]) => {
      seqs.push(...more);
      count += more.length;
      if (count >= each.disconnectsAfter) void stream.return();
    };
    const { accepts } = each;
    if (accepts !== null) {
      stream.pipeTo({
        encoder: POSITION,
        send(items: readonly number[]) {
          calls += 1;
          if (calls % (accepts + 1) === 0) return false;
          receive(...items);
          return true;
        },
      });
    }
    for await (const { seq } of stream) {
      receive(seq);
      for (let rest = 0; rest < each.pace; rest += 1) await turn();
    }
    await turn();
  }
}

async function perform(world: World, step: Step): Promise<void> {
  const { log, survivors } = world;
  const survivorOf = (id: number): number => {
    const into = survivors.get(id);
    return into === undefined ? id : survivorOf(into);
  };
  switch (step.kind) {
    case 'commit':
      for (const parts of step.changes) log.commit({ ...parts, userId: survivorOf(parts.userId) });
      return world.feed.wake();
    case 'merge': {
      const [from, into] = [survivorOf(step.from), survivorOf(step.into)];
      if (from === into) return;
      survivors.set(from, into);
      log.merge(from, into);
      return world.feed.wake();
    }
    case 'rest':
      for (let count = 0; count < step.turns; count += 1) await turn();
      return;
    case 'fail':
      return log.failReads(step.times);
    case 'restart': {
      const old = world.feed;
      world.feed = startFeed(log);
      return old.stop();
    }
  }
}
