/** Reads each entry of the log once, in order, for the whole process. */

import type { Change } from '../domain/change';
import { isInLog, type LogPosition, toPosition } from '../domain/cursor';
import type { Reader } from '../store/read/reader';
import type { OutageLog } from './outage-log';
import { createSignal } from './signal';

export interface Tail {
  /** The log may have grown: look now. */
  wake(): void;
  /** Resolves when no further entry will be handed on. */
  stop(): Promise<void>;
}

export interface TailOptions {
  readonly read: Pick<Reader, 'tail' | 'logState'>;
  /** Called before any entry, with the position from which the tail reads; once more after each `onReplaced`. */
  readonly onStart: (head: LogPosition) => void;
  /** Nothing further is read until it is done with them. @param before - Position before the first of them. */
  readonly onEntries: (changes: readonly Change[], before: LogPosition) => void | Promise<void>;
  /** The log no longer holds the entry that was read last: the database was restored to an earlier moment. */
  readonly onReplaced: () => void;
  /** Reading succeeded after it had failed. */
  readonly onRecovered: () => void;
  readonly onOutage: OutageLog;
  /** How often to look without having been woken: another process may write to the same database. */
  readonly pollMs: number;
}

const PAGE = 500;
const EVERYTHING = {};
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** A read that fails is tried again after a pause that grows; it never ends the tail. */
export function createTail(options: TailOptions): Tail {
  const { read, onStart, onEntries, onReplaced, onRecovered, onOutage, pollMs } = options;
  const bell = createSignal();
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
      const { changes, state } = await read.tail(position.seq, PAGE, EVERYTHING);
      if (stopped) return;
      if (!isInLog(position, state)) {
        position = null;
        onReplaced();
        continue;
      }
      await onEntries(changes, position);
      const last = changes.at(-1);
      if (last !== undefined) position = toPosition(last);
      full = changes.length === PAGE;
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopped) {
      try {
        await catchUp();
        if (failures > 0) onRecovered();
        failures = 0;
        await bell.wait(pollMs);
      } catch (err) {
        failures += 1;
        onOutage(err);
        await bell.wait(Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS));
      }
    }
  }

  const running = run();
  return {
    wake: () => bell.notify(),
    async stop() {
      stopped = true;
      bell.notify();
      await running;
    },
  };
}
