/** What has to be done because time passes: approvals run out, the log is trimmed, holds end. */

import type { Logger } from '../observability/log';
import type { Erasures } from '../store/erasure/erasures';
import type { Store } from '../store/store';
import { type Interval, startInterval } from './interval';

export interface MaintenanceOptions {
  readonly store: Pick<Store, 'expire' | 'trimLog'> & {
    readonly erasures: Pick<Erasures, 'runDueErasures' | 'wipe' | 'purgeBodies'>;
  };
  /** Tells the feed that the log has grown. */
  readonly wake: () => void;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** `null`: the log is kept for ever. */
  readonly changeLogRetentionDays: number | null;
  /** `null`: raw bodies are kept for ever. */
  readonly rawBodyRetentionMs: number | null;
  readonly intervalMs?: number;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** A round at once, then one every interval; a round that fails is tried again at the next. */
export function startMaintenance(options: MaintenanceOptions): Interval {
  const { store, wake, clock, log, intervalMs = 1000 } = options;
  const { changeLogRetentionDays, rawBodyRetentionMs } = options;
  /** Once an hour: what is kept for days need not go to the second, and each time is an entry of the audit log. */
  let trimmedAt = Number.NEGATIVE_INFINITY;
  return startInterval({
    async work(signal) {
      await expireAll(signal);
      await trim();
      await shed(signal);
      await erase();
    },
    intervalMs,
    first: 'AT_ONCE',
    onError: (err) => log.error({ err }, 'upkeep failed; it will be tried again'),
  });

  /** One transaction takes a few hundred users, so that webhooks need not wait for all of them. */
  async function expireAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await store.expire(clock())) > 0) wake();
  }

  async function erase(): Promise<void> {
    const erased = await store.erasures.runDueErasures(clock());
    if (erased > 0) {
      wake();
      log.info({ erased }, 'erased users whose hold has ended');
    }
    await store.erasures.wipe();
  }

  async function shed(signal: AbortSignal): Promise<void> {
    if (rawBodyRetentionMs === null) return;
    const now = clock();
    const before = new Date(now.getTime() - rawBodyRetentionMs);
    let total = 0;
    for (let count = -1; count !== 0 && !signal.aborted; total += count) {
      count = await store.erasures.purgeBodies(before, now);
    }
    if (total > 0) log.info({ rawBodies: total }, 'emptied raw bodies that were kept long enough');
  }

  async function trim(): Promise<void> {
    const now = clock().getTime();
    const recently = Math.abs(now - trimmedAt) < HOUR_MS; // also where the clock was set back
    if (changeLogRetentionDays === null || recently) return;
    const trimmed = await store.trimLog(new Date(now - changeLogRetentionDays * DAY_MS));
    trimmedAt = now;
    if (trimmed > 0) log.info({ trimmed }, 'trimmed the change log');
  }
}
