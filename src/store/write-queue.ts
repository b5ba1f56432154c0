/**
 * The one writer. Deliveries that wait while a transaction runs share the next one (group commit); everything else has
 * a transaction of its own. Transactions follow each other in the order of asking.
 */

import { StoreUnavailableError } from '../domain/errors';
import { type Connection, toStoreError } from './connection';

export interface WriteQueue<Item, Outcome> {
  /** Resolves after the commit that holds the item. @throws {StoreUnavailableError} if it was not kept. */
  add(item: Item): Promise<Outcome>;
  /** Runs `work` alone in a transaction; an error it throws rolls back and is passed on. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Lets all that waits commit; later calls are refused. */
  close(): Promise<void>;
}

interface Waiting<Item, Outcome> {
  readonly item: Item;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

type Job<Item, Outcome> =
  | ({ readonly kind: 'item' } & Waiting<Item, Outcome>)
  | { readonly kind: 'work'; readonly run: () => Promise<void> };

export interface WriteQueueOptions<Item, Outcome> {
  readonly connection: Connection;
  /** Writes a group inside an open transaction; answers in the order of the items. */
  readonly write: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  /** What to keep instead of an item that cannot be written, so that what is authentic is never refused. */
  readonly salvage: (item: Item, error: unknown) => Item;
  /** A commit failed: what is on disk is unknown, so the process must end and a restart is the repair. */
  readonly onFatal: (error: unknown) => void;
  readonly maxGroup: number;
  /** What a group may weigh in all; a single item that is heavier goes alone. */
  readonly maxGroupSize: number;
  readonly sizeOf: (item: Item) => number;
}

export function createWriteQueue<Item, Outcome>(
  options: WriteQueueOptions<Item, Outcome>,
): WriteQueue<Item, Outcome> {
  const { connection, write, salvage, onFatal, maxGroup, maxGroupSize, sizeOf } = options;
  const jobs: Job<Item, Outcome>[] = [];
  let running: Promise<void> | undefined;
  let closed = false;
  let dead = false;

  return {
    add: (item) => enqueue((resolve, reject) => ({ kind: 'item', item, resolve, reject })),
    transaction: (work) =>
      enqueue((resolve, reject) => ({
        kind: 'work',
        run: () => transaction(work).then(resolve, reject),
      })),
    async close() {
      closed = true;
      await running;
    },
  };

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
    await Promise.resolve();
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      if (job.kind === 'work') {
        jobs.shift();
        await job.run();
      } else {
        await commitGroup(takeGroup());
      }
    }
    running = undefined;
  }

  /** At least one, however large. */
  function takeGroup(): readonly Waiting<Item, Outcome>[] {
    const group: Waiting<Item, Outcome>[] = [];
    let size = 0;
    for (const job of jobs) {
      if (job.kind !== 'item' || group.length === maxGroup) break;
      size += sizeOf(job.item);
      if (size > maxGroupSize && group.length > 0) break;
      group.push(job);
    }
    jobs.splice(0, group.length);
    return group;
  }

  async function commitGroup(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await transaction(() => write(group.map(({ item }) => item)));
      settle(group, outcomes);
    } catch (error) {
      if (dead || error instanceof StoreUnavailableError) return refuse(group, error);
      // One of them is poison: commit each alone, so that it harms no neighbour.
      for (const waiting of group) await commitAlone(waiting);
    }
  }

  async function commitAlone(waiting: Waiting<Item, Outcome>): Promise<void> {
    try {
      settle([waiting], await transaction(() => write([waiting.item])));
    } catch (error) {
      if (dead || error instanceof StoreUnavailableError) return refuse([waiting], error);
      try {
        settle([waiting], await transaction(() => write([salvage(waiting.item, error)])));
      } catch (again) {
        refuse([waiting], again);
      }
    }
  }

  async function transaction<T>(work: () => Promise<T>): Promise<T> {
    if (dead) throw new StoreUnavailableError();
    await connection.query('BEGIN IMMEDIATE');
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await rollBack();
      throw toStoreError(error);
    }
    try {
      await connection.query('COMMIT');
    } catch (error) {
      dead = true;
      onFatal(error);
      throw new StoreUnavailableError({ cause: error });
    }
    return result;
  }

  async function rollBack(): Promise<void> {
    try {
      await connection.query('ROLLBACK');
    } catch {
      // SQLite has already rolled back by itself (disk full, I/O error); the error that caused it is the one to tell.
    }
  }

  function settle(group: readonly Waiting<Item, Outcome>[], outcomes: readonly Outcome[]): void {
    group.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new StoreUnavailableError());
      else resolve(outcome);
    });
  }

  function refuse(group: readonly Waiting<Item, Outcome>[], error: unknown): void {
    for (const { reject } of group) reject(error);
  }
}
