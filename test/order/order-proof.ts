/**
 * The proof of the log's order: several instances write as fast as they can, while readers follow with cursors. Each has
 * to see each change once, in order: what a reader has passed must not be followed by anything that belongs before it.
 */

import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { LOG_START } from '../../src/domain/cursor';
import { createFeed } from '../../src/feed/feed';
import { createMemoryWakeup } from '../../src/feed/wakeup/wakeup';
import type { DatabaseConfig } from '../../src/store/database/options';
import { openStore } from '../../src/store/open-store';
import type { Reader } from '../../src/store/read/reader';
import type { Store } from '../../src/store/store';
import { spawnScript } from '../cli/spawn';
import { query } from '../support/databases';
import { silentLog } from '../support/logs';
import { storeConfigOf } from '../support/store-config';

export interface OrderReport {
  readonly deliveries: number;
  readonly changes: number;
  /** Writes that were rejected as unavailable and retried. */
  readonly refused: number;
  readonly seconds: number;
  readonly readers: readonly ReaderReport[];
  /** Rows of the log, its highest number, and the head position that readers see. */
  readonly log: { readonly rows: number; readonly highest: number; readonly head: number };
}

export interface ReaderReport {
  readonly seen: number;
  readonly skipped: number;
  readonly repeated: number;
  readonly disordered: number;
}

/** @param deliveries - Deliveries per instance. */
export async function proveOrder(
  database: DatabaseConfig,
  url: string,
  instances: number,
  deliveries: number,
): Promise<OrderReport> {
  const store = await openStore(storeConfigOf(database), silentLog);
  try {
    const started = Date.now();
    const end = createEnd();
    // Small pages, large pages, one reader that restarts from zero each time, and one that reads through the feed.
    const following = [
      follow(store.read, 7, end),
      follow(store.read, 500, end),
      followInSnapshots(store, end),
      followFeed(store, end),
    ];
    const written = await Promise.all(
      Array.from({ length: instances }, async (_, instance) => {
        const args = [url, String(instance), String(deliveries)];
        const { code, out, err } = await spawnScript(join(__dirname, 'writer.ts'), {}, args)
          .finished;
        if (code !== 0) throw new Error(`an instance has failed: ${err}`);
        const told: { readonly changes: number; readonly refused: number } = JSON.parse(out);
        return told;
      }),
    );
    const seconds = (Date.now() - started) / 1000;
    const changes = sum(written.map((each) => each.changes));
    end.set(changes);
    const readers = (await Promise.all(following)).map((seen) => judge(seen, changes));
    const [row] = await query<{ rows: number; highest: number }>(
      database,
      'SELECT count(*) AS rows, max(id) AS highest FROM changes',
    );
    return {
      deliveries: instances * deliveries,
      changes,
      refused: sum(written.map((each) => each.refused)),
      seconds,
      readers,
      log: { rows: row?.rows ?? 0, highest: row?.highest ?? 0, head: await store.read.head() },
    };
  } finally {
    await store.close();
  }
}

/** The total number of changes, once it is known. */
interface End {
  set(changes: number): void;
  reached(seen: number): boolean;
  readonly known: Promise<number>;
}

function createEnd(): End {
  let last: number | undefined;
  let tell: (changes: number) => void = () => {};
  const known = new Promise<number>((resolve) => {
    tell = resolve;
  });
  return {
    known,
    set(changes) {
      last = changes;
      tell(changes);
    },
    reached: (seen) => last !== undefined && seen >= last,
  };
}

/** Continues after the last row of the previous page. */
async function follow(read: Reader, page: number, end: End): Promise<readonly number[]> {
  const seen: number[] = [];
  let cursor = 0;
  let idle = 0;
  while (idle < 3) {
    const { changes, scannedTo } = await read.tail(cursor, page, {});
    seen.push(...changes.map(({ seq }) => seq));
    cursor = scannedTo.seq;
    // Where something was skipped the count is never reached: then it is enough that nothing comes any more.
    idle = end.reached(cursor) && changes.length === 0 ? idle + 1 : 0;
    if (changes.length === 0) await turn();
  }
  return seen;
}

async function followInSnapshots(store: Store, end: End): Promise<readonly number[]> {
  const seen: number[] = [];
  let cursor = 0;
  for (let done = false; !done; ) {
    done = await store.snapshot(async (read) => {
      const head = await read.head();
      while (cursor < head) {
        const { changes, scannedTo } = await read.tail(cursor, 300, {});
        seen.push(...changes.map(({ seq }) => seq));
        cursor = scannedTo.seq;
      }
      return end.reached(cursor);
    });
    await turn();
  }
  return seen;
}

async function followFeed(store: Store, end: End): Promise<readonly number[]> {
  const { read, logId } = store;
  const wakeup = createMemoryWakeup();
  const feed = createFeed({ read, logId, wakeup, log: silentLog, pollMs: 5 });
  const seen: number[] = [];
  const stream = feed.subscribe({ filter: {}, after: LOG_START });
  void end.known.then(async (changes) => {
    // What is not there a while after the last has been written never comes.
    for (let last = -1; last !== seen.length || (seen.at(-1) ?? 0) < changes; ) {
      last = seen.length;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await stream.return();
  });
  for await (const { seq } of stream) seen.push(seq);
  await feed.stop();
  return seen;
}

function judge(seen: readonly number[], changes: number): ReaderReport {
  const distinct = new Set(seen);
  return {
    seen: seen.length,
    skipped: changes - distinct.size,
    repeated: seen.length - distinct.size,
    disordered: seen.filter((seq, index) => index > 0 && seq <= (seen[index - 1] ?? 0)).length,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
