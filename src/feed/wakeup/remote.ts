/**
 * Wakes this process at once, and those of other instances over a line that may be down. Whatever is lost on the way, they
 * find by polling: so nothing is kept for later, and nothing waits for the line.
 */

import type { Logger } from 'pino';
import { createSignal } from '../signal';
import { createMemoryWakeup } from './memory';
import type { Wakeup } from './wakeup';

/** One connection to what the instances share. Where it breaks, another one is opened. */
export interface Channel {
  /** Resolves once the others are heard. */
  readonly opened: Promise<unknown>;
  /** Wakes the others; resolves when the message has been taken. */
  publish(): Promise<unknown>;
  /** At once, whatever is under way, also before it is open. Leaves nothing that would keep the process running. */
  close(): void;
}

/** @param heard - Another instance, never this one, says that the log has grown. @param lost - The line has broken. */
export type OpenChannel = (heard: () => void, lost: (error: unknown) => void) => Channel;

export interface RemoteWakeupOptions {
  readonly openChannel: OpenChannel;
  /** What the line goes over, for people, e.g. `Redis`. */
  readonly service: string;
  /** The variable and the server that an operator looks at when the line is down, e.g. `REDIS_URL: redis.example.com:6379`. */
  readonly place: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How long an answer may take before the line counts as broken. */
  readonly answerMs?: number;
}

const FIRST_PAUSE_MS = 100;
/** Also how long a line has to last before it counts as sound again. */
const LONGEST_PAUSE_MS = 5_000;
/** Who has nothing to tell does so all the same now and then: a line that has died silently is found out. */
const CHECK_MS = 15_000;

/** A line that breaks is opened again for ever, after pauses that grow. It is told of once, and once when it is back. */
export function createRemoteWakeup(options: RemoteWakeupOptions): Wakeup {
  const { openChannel, service, place, log, answerMs = 5_000 } = options;
  const local = createMemoryWakeup();
  const bell = createSignal();
  /** Open, and not known to be broken. */
  let line: Channel | null = null;
  /** Of the line that there is, open or not. */
  let lose: (error: unknown) => void = () => {};
  let telling = false;
  let again = false;
  let stopped = false;
  const checking = setInterval(tell, CHECK_MS);
  checking.unref();
  const running = run();

  return {
    wake() {
      local.wake();
      tell();
    },
    onWake: local.onWake,
    async close() {
      stopped = true;
      clearInterval(checking);
      bell.notify();
      lose(null);
      await running;
    },
  };

  async function run(): Promise<void> {
    let failures = 0;
    let away = false;
    const onOpen = () => {
      if (away) log.info({ service }, 'other instances are reached again');
      away = false;
    };
    while (!stopped) {
      const { err, lastedMs } = await holdLine(onOpen);
      if (stopped) return;
      if (!away)
        log.warn(
          { err, service, place },
          'other instances are not reached; they find out by polling',
        );
      away = true;
      failures = lastedMs < LONGEST_PAUSE_MS ? failures + 1 : 1;
      await bell.wait(pauseAfter(failures));
    }
  }

  /** Resolves when the line is no more: with why, and how long it was open. */
  async function holdLine(onOpen: () => void): Promise<{ err: unknown; lastedMs: number }> {
    let openedAt: number | null = null;
    let lost = false;
    const ended = new Promise<unknown>((resolve) => {
      lose = (error) => {
        if (lost) return;
        lost = true;
        line = null;
        resolve(error);
      };
    });
    const opening = openChannel(local.wake, lose);
    open(opening).then(() => {
      if (lost) return;
      line = opening;
      openedAt = performance.now();
      onOpen();
      local.wake(); // what was said while nobody listened
    }, lose);
    const err = await ended;
    opening.close();
    return { err, lastedMs: openedAt === null ? 0 : performance.now() - openedAt };
  }

  /** Tells once, too: a line over which nothing can be said is none, and others may have missed something as well. */
  async function open(opening: Channel): Promise<void> {
    await within(answerMs, opening.opened);
    await within(answerMs, opening.publish());
  }

  /** Never more than one message under way, however often the log grows meanwhile. */
  function tell(): void {
    if (line === null) return;
    if (telling) {
      again = true;
      return;
    }
    telling = true;
    again = false;
    void within(answerMs, line.publish())
      .catch(lose) // of this line, whichever there is by then
      .then(() => {
        telling = false;
        if (again) tell();
      });
  }
}

/** Spread, so that instances that were cut off together do not come back together. */
function pauseAfter(failures: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return longest * (0.5 + Math.random() / 2);
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms).unref();
  });
  return await Promise.race([answer, patience]).finally(() => clearTimeout(timer));
}
