/**
 * The one writer. Deliveries that come while a group is written are applied in memory meanwhile and are the next group;
 * everything else has a transaction of its own. Transactions follow each other in the order of asking.
 */

import { StoreUnavailableError } from '../../domain/errors';
import type { TransactionControl } from '../database/database';
import { createTransaction } from '../database/transaction';

export interface GroupCommit<Item, Outcome> {
  /** Resolves after the commit that holds the item. @throws {StoreUnavailableError} if it was not kept. */
  add(item: Item): Promise<Outcome>;
  /** Runs `work` while nothing is being written; what comes meanwhile waits. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `work` alone in a transaction; an error it throws rolls back and is passed on. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Lets all that waits commit; later calls are refused. */
  close(): Promise<void>;
}

interface Asked<Item, Outcome> {
  readonly kind: 'item';
  readonly item: Item;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Applied<Item, Outcome> extends Asked<Item, Outcome> {
  readonly outcome: Outcome | undefined;
}

type Job<Item, Outcome> =
  | Asked<Item, Outcome>
  | { readonly kind: 'work'; readonly run: () => Promise<void> };

/**
 * What is known of the data and what has been worked out upon it, in memory. While one group of items is being written, the
 * next is already applied on top of it.
 */
export interface PipelinedDraft<Item, Outcome> {
  /** Reads what the items touch; what it answers applies them, in one go. Once that has thrown, the draft is worthless. */
  read(items: readonly Item[]): Promise<() => readonly Outcome[]>;
  /** Writes what was applied since the last time, in a transaction of its own. @throws if nothing of it was written. */
  write(): Promise<void>;
  /** Whether it knows so much that another one should begin. */
  isFull(): boolean;
}

export interface GroupCommitOptions<Item, Outcome> {
  readonly connection: TransactionControl;
  readonly openDraft: () => PipelinedDraft<Item, Outcome>;
  /** Writes a group inside an open transaction; answers in the order of the items. For what went wrong in a draft. */
  readonly write: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  /** What to keep instead of an item that cannot be written, so that what is authentic is never refused. */
  readonly salvage: (item: Item, error: unknown) => Item;
  /** Told of every group that was committed, and how long that took. */
  readonly onCommit?: ((items: number, durationMs: number) => void) | undefined;
  /** A commit failed: what is on disk is unknown, so the process must end and a restart is the repair. */
  readonly onFatal: (error: unknown) => void;
  readonly maxGroup: number;
  /** What a group may weigh in all; a single item that is heavier goes alone. */
  readonly maxGroupSize: number;
  readonly sizeOf: (item: Item) => number;
}

export function createGroupCommit<Item, Outcome>(
  options: GroupCommitOptions<Item, Outcome>,
): GroupCommit<Item, Outcome> {
  const { connection, write, salvage, onCommit, onFatal } = options;
  const { maxGroup, maxGroupSize, sizeOf } = options;
  const jobs: Job<Item, Outcome>[] = [];
  let draft = options.openDraft();
  /** In the draft, not yet being written. */
  let applied: Applied<Item, Outcome>[] = [];
  /** To be done again without a draft. */
  const failed: Asked<Item, Outcome>[] = [];
  let running: Promise<void> | undefined;
  let writing: Promise<void> | undefined;
  let closed = false;
  let dead = false;
  const committed = createTransaction(connection, die);

  return {
    add: (item) => enqueue((resolve, reject) => ({ kind: 'item', item, resolve, reject })),
    alone,
    transaction: (work) => alone(() => transaction(work)),
    async close() {
      closed = true;
      for (let busy = running ?? writing; busy !== undefined; busy = running ?? writing) await busy;
    },
  };

  function alone<T>(work: () => Promise<T>): Promise<T> {
    return enqueue((resolve, reject) => ({
      kind: 'work',
      run: () => work().then(resolve, reject),
    }));
  }

  function enqueue<T>(
    job: (resolve: (value: T) => void, reject: (error: unknown) => void) => Job<Item, Outcome>,
  ): Promise<T> {
    if (closed || dead) return Promise.reject(new StoreUnavailableError());
    return new Promise((resolve, reject) => {
      jobs.push(job(resolve, reject));
      running ??= drain();
    });
  }

  async function drain(): Promise<void> {
    // A turn of the event loop, so that what came in together commits together.
    await new Promise(setImmediate);
    for (;;) {
      const job = jobs[0];
      if (failed.length > 0) {
        await writing;
        await commitGroup(failed.splice(0));
      } else if (job === undefined) {
        break;
      } else if (job.kind === 'work') {
        await writing;
        if (failed.length > 0) continue;
        jobs.shift();
        await job.run();
        draft = options.openDraft();
      } else {
        await applyNext();
      }
    }
    running = undefined;
  }

  // ── The usual way: one group is written while the next is applied ─────────────────────────────────────────────────

  async function applyNext(): Promise<void> {
    const group = takeGroup();
    if (group.length === 0) return await writing;
    const own = draft;
    try {
      const apply = await own.read(group.map(({ item }) => item));
      if (own !== draft)
        jobs.unshift(...group); // what it would stand on was not written
      else take(group, apply());
    } catch {
      const again = [...applied.splice(0), ...group];
      draft = options.openDraft();
      await writing;
      failed.push(...again);
    }
  }

  /** What may be applied now: nothing where what is being written has to make room first, else at least one, however large. */
  function takeGroup(): readonly Asked<Item, Outcome>[] {
    if (draft.isFull()) {
      if (writing !== undefined) return [];
      draft = options.openDraft();
    }
    let size = applied.reduce((sum, { item }) => sum + sizeOf(item), 0);
    const group: Asked<Item, Outcome>[] = [];
    for (const job of jobs) {
      const count = applied.length + group.length;
      if (job.kind !== 'item' || count === maxGroup) break;
      size += sizeOf(job.item);
      if (size > maxGroupSize && count > 0) break;
      group.push(job);
    }
    jobs.splice(0, group.length);
    return group;
  }

  function take(group: readonly Asked<Item, Outcome>[], outcomes: readonly Outcome[]): void {
    applied.push(...group.map((asked, index) => ({ ...asked, outcome: outcomes[index] })));
    writing ??= writeApplied();
  }

  async function writeApplied(): Promise<void> {
    while (applied.length > 0) {
      const group = applied;
      applied = [];
      try {
        if (dead) throw new StoreUnavailableError();
        await timed(group.length, () => draft.write());
        settle(
          group,
          group.map(({ outcome }) => outcome),
        );
      } catch (error) {
        giveUp(group, error);
      }
    }
    writing = undefined;
  }

  /** What was applied on top of it has nothing to stand on either. */
  function giveUp(group: readonly Applied<Item, Outcome>[], error: unknown): void {
    draft = options.openDraft();
    if (connection.isInDoubt(error, 'WRITE')) die(error);
    if (dead || error instanceof StoreUnavailableError) refuse(group, error);
    else failed.push(...group);
    failed.push(...applied.splice(0));
    running ??= drain();
  }

  // ── Each group in a transaction that sees what it needs ───────────────────────────────────────────────────────────

  async function commitGroup(group: readonly Asked<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await writeInTransaction(group.map(({ item }) => item));
      settle(group, outcomes);
    } catch (error) {
      if (dead || error instanceof StoreUnavailableError) return refuse(group, error);
      // One of them is poison: commit each alone, so that it harms no neighbour.
      for (const waiting of group) await commitAlone(waiting);
    }
  }

  async function commitAlone(waiting: Asked<Item, Outcome>): Promise<void> {
    try {
      settle([waiting], await writeInTransaction([waiting.item]));
    } catch (error) {
      if (dead || error instanceof StoreUnavailableError) return refuse([waiting], error);
      try {
        settle([waiting], await writeInTransaction([salvage(waiting.item, error)]));
      } catch (again) {
        refuse([waiting], again);
      }
    }
  }

  function writeInTransaction(items: readonly Item[]): Promise<readonly Outcome[]> {
    return timed(items.length, () => transaction(() => write(items)));
  }

  async function timed<T>(items: number, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work();
    onCommit?.(items, performance.now() - startedAt);
    return result;
  }

  function transaction<T>(work: () => Promise<T>): Promise<T> {
    return dead ? Promise.reject(new StoreUnavailableError()) : committed(work);
  }

  function die(error: unknown): void {
    dead = true;
    onFatal(error);
  }

  function settle(
    group: readonly Asked<Item, Outcome>[],
    outcomes: readonly (Outcome | undefined)[],
  ): void {
    group.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new StoreUnavailableError());
      else resolve(outcome);
    });
  }

  function refuse(group: readonly Asked<Item, Outcome>[], error: unknown): void {
    for (const { reject } of group) reject(error);
  }
}
