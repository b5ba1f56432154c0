/** Whatever is committed, however fast anybody reads, whoever is killed when: each sees what matches, in order, once. */

import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change';
import { createFeed, type Feed } from '../../src/feed/feed';
import type { FrameEncoder } from '../../src/feed/frame-encoder';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import type { ChangeFilter } from '../../src/store/read/filters';
import { at } from '../support/changes';
import { silentLog } from '../support/logs';
import { createMemoryLog, type MemoryLog } from '../support/memory-log';

const USERS = 6;

type Entry = Pick<Change, 'userId' | 'provider' | 'attemptStatus'>;

interface Plan {
  readonly filter: ChangeFilter;
  /** Turns of the event loop to rest after each item. */
  readonly pace: number;
  /** The subscription is killed after so many items, again and again, and resumed at the last one. */
  readonly killedAfter: number;
  /** Takes what a press makes for all who do: so many times, then not for once, and so on. `null`: never. */
  readonly takes: number | null;
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
  killedAfter: fc.integer({ min: 1, max: 40 }),
  takes: fc.option(fc.integer({ min: 1, max: 12 })),
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

describe('the feed, whatever happens', () => {
  it('gives each subscriber exactly the entries that match, in order, once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plainStep, { minLength: 1, maxLength: 25 }),
        fc.array(plan, { minLength: 1, maxLength: 5 }),
        async (steps, plans) => {
          const { entries, seen } = await play(steps, plans);
          plans.forEach(({ filter: wanted }, index) => {
            expect(seen[index]).toEqual(atLeast(wanted, entries));
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('loses nothing about a person when users are merged, and shows nobody else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ arbitrary: plainStep, weight: 3 }, mergeStep), { maxLength: 25 }),
        fc.array(plan, { minLength: 1, maxLength: 5 }),
        async (steps, plans) => {
          const { entries, seen } = await play(steps, plans);
          plans.forEach(({ filter: wanted }, index) => {
            const seqs = seen[index] ?? [];
            expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
            expect(seqs).toEqual(expect.arrayContaining([...atLeast(wanted, entries)]));
            expect(atMost(wanted, entries)).toEqual(expect.arrayContaining(seqs));
          });
        },
      ),
      { numRuns: 150 },
    );
  });
});

// ── What is to be seen, written down apart from the code under test ─────────────────────────────────────────────────

/** About the users asked for and, from a merge on, about whom they went into. */
function atLeast(wanted: ChangeFilter, entries: readonly Change[]): readonly number[] {
  const users = new Set(wanted.userIds);
  return entries
    .filter((entry) => {
      const { mergedUserId } = entry.cause;
      if (mergedUserId !== null && users.has(mergedUserId)) users.add(entry.userId);
      return (wanted.userIds === undefined || users.has(entry.userId)) && meets(wanted, entry);
    })
    .map(({ seq }) => seq);
}

/** About anybody who is one person with a user asked for, by the end. */
function atMost(wanted: ChangeFilter, entries: readonly Change[]): readonly number[] {
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

// ── A run ───────────────────────────────────────────────────────────────────────────────────────────────────────────

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

  for (const step of steps) await take(world, step);
  log.failReads(0);
  const last = plans.map(({ filter: wanted }) => atLeast(wanted, log.entries).at(-1) ?? 0);
  while (!seen.every((seqs, index) => (seqs.at(-1) ?? 0) >= (last[index] ?? 0))) await turn();
  for (let rest = 0; rest < 20; rest += 1) await turn(); // whatever comes too much, comes now

  end.abort();
  await Promise.all(reading);
  await world.feed.stop();
  return { entries: log.entries, seen };
}

function startFeed(log: MemoryLog): Feed {
  const wakeup = createMemoryWakeup();
  const small = { windowSize: 15, queueSize: 8, pollMs: 1 }; // so that everybody falls behind at times
  return createFeed({ read: log, logId: 'log', wakeup, log: silentLog, ...small });
}

/** Makes of an entry its position, at times at once, at times late, at times not at all. */
const POSITION: FrameEncoder<number> = {
  async make({ seq }) {
    for (let rest = 0; rest < seq % 4; rest += 1) await turn();
    if (seq % 7 === 0) throw new Error('this one cannot be made');
    return seq;
  },
};

/** A client that comes back after every kill and every restart with the last position it saw. */
async function read(world: World, each: Plan, seqs: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const after = at(seqs.at(-1) ?? 0);
    let count = 0;
    let offers = 0;
    const stream = world.feed.subscribe({ after, filter: each.filter, signal });
    const see = (...more: readonly number[]) => {
      seqs.push(...more);
      count += more.length;
      if (count >= each.killedAfter) void stream.return();
    };
    const { takes } = each;
    if (takes !== null) {
      stream.divert({
        press: POSITION,
        take(items: readonly number[]) {
          offers += 1;
          if (offers % (takes + 1) === 0) return false;
          see(...items);
          return true;
        },
      });
    }
    for await (const { seq } of stream) {
      see(seq);
      for (let rest = 0; rest < each.pace; rest += 1) await turn();
    }
    await turn();
  }
}

async function take(world: World, step: Step): Promise<void> {
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
