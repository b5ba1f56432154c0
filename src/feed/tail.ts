/** Reads each entry of the log once, in order, for all subscribers of the process. */

import type { Change } from '../domain/change';
import { isInLog, type LogPosition, toPosition } from '../domain/cursor';
import type { Reader } from '../store/read/reader';
import type { OutageLog } from './outage-log';
import { createSignal } from './signal';

export interface Tail {
  /** Reads the log now. */
  wake(): void;
  /** Resolves when no callback will be called any more. */
  stop(): Promise<void>;
}

export interface TailOptions {
  readonly read: Pick<Reader, 'tail' | 'logState'>;
  /** Called before the first entries, and again after each `onReplaced`. @param head - Position after which the tail reads. */
  readonly onStart: (head: LogPosition) => void;
  /** The tail reads on when it resolves. @param before - Position before the first entry. */
  readonly onEntries: (changes: readonly Change[], before: LogPosition) => void | Promise<void>;
  /** Called if the log no longer contains the last entry read, because the database was restored to an earlier moment. */
  readonly onReplaced: () => void;
  /** Called when a read succeeds after one that failed. */
  readonly onRecovered: () => void;
  readonly onOutage: OutageLog;
  /** Interval of reads without a wake-up. Another process may write to the same database. */
  readonly pollMs: number;
}

const PAGE_SIZE = 500;
const NO_FILTER = {};
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Retries failed reads forever, with backoff. */
export function createTail(options: TailOptions): Tail {
  const { read, onStart, onEntries, onReplaced, onRecovered, onOutage, pollMs } = options;
  const wakeUps = createSignal();
  let position: LogPosition | null = null;
  let stopped = false;

  async function start(): Promise<LogPosition> {
    const { head } = await read.logState();
    onStart(head);
    return head;
  }

  async function catchUp(): Promise<void> {
    let full = true;
    while (full && !stopped) {
      position ??= await start();
      const { changes, state } = await read.tail(position.seq, PAGE_SIZE, NO_FILTER);
      if (stopped) return;
      if (!isInLog(position, state)) {
        position = null;
        onReplaced();
        continue;
      }
      await onEntries(changes, position);
      const last = changes.at(-1);
      if (last !== undefined) position = toPosition(last);
      full = changes.length === PAGE_SIZE;
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopped) {
      try {
        await catchUp();
        if (failures > 0) onRecovered();
        failures = 0;
        await wakeUps.wait(pollMs);
      } catch (err) {
        failures += 1;
        onOutage(err);
        await wakeUps.wait(Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS));
      }
    }
  }

  const running = run();
  return {
    wake: () => wakeUps.notify(),
    async stop() {
      stopped = true;
      wakeUps.notify();
      await running;
    },
  };
}
