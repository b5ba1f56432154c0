/** Work that is due by time: expiry of approvals, retention of the change log and raw bodies, postponed erasures. */

import type { Logger } from '../observability/log';
import type { Erasures } from '../store/erasure/erasures';
import type { Store } from '../store/store';
import { type Interval, startInterval } from './interval';

export interface MaintenanceOptions {
  readonly store: Pick<Store, 'expire' | 'trimLog'> & {
    readonly erasures: Pick<Erasures, 'runDueErasures' | 'wipe' | 'purgeBodies'>;
  };
  /** Notifies the feed of new change log entries. */
  readonly wake: () => void;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** If null, change log entries are kept forever. */
  readonly changeLogRetentionDays: number | null;
  /** If null, raw bodies are kept forever. */
  readonly rawBodyRetentionMs: number | null;
  readonly intervalMs?: number;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** Runs immediately, then at every interval. A failed run is repeated by the next one. */
export function startMaintenance(options: MaintenanceOptions): Interval {
  const { store, wake, clock, log, intervalMs = 1000 } = options;
  const { changeLogRetentionDays, rawBodyRetentionMs } = options;
  /** Trims at most once per hour: retention is in days, and each trim adds an audit entry. */
  let trimmedAt = Number.NEGATIVE_INFINITY;
  return startInterval({
    async work(signal) {
      await expireAll(signal);
      await trim();
      await purge(signal);
      await runErasures();
    },
    intervalMs,
    first: 'IMMEDIATELY',
    onError: (err) => log.error({ err }, 'maintenance run failed'),
  });

  /** One transaction expires a few hundred users, so that webhooks do not wait for all of them. */
  async function expireAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await store.expire(clock())) > 0) wake();
  }

  async function runErasures(): Promise<void> {
    const erased = await store.erasures.runDueErasures(clock());
    if (erased > 0) {
      wake();
      log.info({ erased }, 'erased users whose erasure was postponed');
    }
    await store.erasures.wipe();
  }

  async function purge(signal: AbortSignal): Promise<void> {
    if (rawBodyRetentionMs === null) return;
    const now = clock();
    const before = new Date(now.getTime() - rawBodyRetentionMs);
    let total = 0;
    for (let count = -1; count !== 0 && !signal.aborted; total += count) {
      count = await store.erasures.purgeBodies(before, now);
    }
    if (total > 0) log.info({ rawBodies: total }, 'purged raw bodies past their retention');
  }

  async function trim(): Promise<void> {
    const now = clock().getTime();
    const recently = Math.abs(now - trimmedAt) < HOUR_MS; // also if the clock was set back
    if (changeLogRetentionDays === null || recently) return;
    const trimmed = await store.trimLog(new Date(now - changeLogRetentionDays * DAY_MS));
    trimmedAt = now;
    if (trimmed > 0) log.info({ trimmed }, 'trimmed the change log');
  }
}
