/** What has to be done because time passes: approvals run out, the log is trimmed. */

import type { Logger } from './observability/log';
import type { Store } from './store/store';

export interface UpkeepOptions {
  readonly store: Pick<Store, 'expire' | 'trimLog'>;
  /** Tells the feed that the log has grown. */
  readonly wake: () => void;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** `null`: the log is kept for ever. */
  readonly changeLogRetentionDays: number | null;
  readonly intervalMs?: number;
}

export interface Upkeep {
  /** Lets a round under way finish. */
  stop(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;

/** A round at once, then one every interval; a round that fails is tried again at the next. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const { store, wake, clock, log, changeLogRetentionDays, intervalMs = 1000 } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round = run();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };

  async function run(): Promise<void> {
    try {
      await expireAll();
      await trim();
    } catch (err) {
      log.error({ err }, 'upkeep failed; it will be tried again');
    }
    if (stopped) return;
    timer = setTimeout(() => {
      round = run();
    }, intervalMs);
    timer.unref();
  }

  /** One transaction takes a few hundred users, so that webhooks need not wait for all of them. */
  async function expireAll(): Promise<void> {
    while (!stopped && (await store.expire(clock())) > 0) wake();
  }

  async function trim(): Promise<void> {
    if (changeLogRetentionDays === null) return;
    const before = new Date(clock().getTime() - changeLogRetentionDays * DAY_MS);
    const trimmed = await store.trimLog(before);
    if (trimmed > 0) log.info({ trimmed }, 'trimmed the change log');
  }
}
