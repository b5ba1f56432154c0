/** Reads each entry of the log once, in order, for the whole process. */

import type { Logger } from 'pino';
import type { Change } from '../domain/change';
import type { Reader } from '../store/store';
import { createBell } from './bell';

export interface Tail {
  /** The log may have grown: look now. */
  wake(): void;
  /** Resolves when no further entry will be handed on. */
  stop(): Promise<void>;
}

export interface TailOptions {
  readonly read: Pick<Reader, 'tail' | 'head'>;
  /** Called once, before any entry, with the position from which the tail reads. */
  readonly onStart: (head: number) => void;
  /** Nothing further is read until it is done with them. */
  readonly onEntries: (changes: readonly Change[]) => void | Promise<void>;
  readonly log: Pick<Logger, 'warn'>;
  /** How often to look without having been woken: another process may write to the same database. */
  readonly pollMs: number;
}

const PAGE = 500;
const EVERYTHING = {};
const LONGEST_PAUSE_MS = 30_000;

/** A read that fails is tried again after a pause that grows; it never ends the tail. */
export function createTail({ read, onStart, onEntries, log, pollMs }: TailOptions): Tail {
  const bell = createBell();
  let position: number | null = null;
  let stopped = false;

  async function start(): Promise<number> {
    const head = await read.head();
    onStart(head);
    return head;
  }

  async function catchUp(): Promise<void> {
    position ??= await start();
    let full = true;
    while (full && !stopped) {
      const { changes } = await read.tail(position, PAGE, EVERYTHING);
      if (stopped) return;
      await onEntries(changes);
      position = changes.at(-1)?.seq ?? position;
      full = changes.length === PAGE;
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopped) {
      try {
        await catchUp();
        failures = 0;
        await bell.wait(pollMs);
      } catch (err) {
        failures += 1;
        log.warn({ err, failures }, 'the log could not be read; will try again');
        await bell.wait(Math.min(pollMs * failures, LONGEST_PAUSE_MS));
      }
    }
  }

  const running = run();
  return {
    wake: () => bell.ring(),
    async stop() {
      stopped = true;
      bell.ring();
      await running;
    },
  };
}
