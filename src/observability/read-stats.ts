/** Reads the figures of the gateway for a scrape, in time even if the database is unavailable. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayStats } from './stats-gauges';

/** Timeout of database reads for a scrape. Prometheus allows 10 s for a scrape. */
const TIMEOUT_MS = 2000;

/** Parts of the gateway, reduced to what is read here. */
export interface StatsSources {
  readonly store: { assertReady(): Promise<void>; readonly read: { head(): Promise<number> } };
  readonly feed: {
    stats(): Record<'subscriptions' | 'behind', number> & { readonly position: number | null };
  };
  readonly server: { openSockets(): number };
  readonly monitor: { readonly report: GatewayStats['monitor'] };
}

export async function readStats(sources: StatsSources): Promise<GatewayStats> {
  const { store, feed, server, monitor } = sources;
  const { position, subscriptions, behind } = feed.stats();
  const [storeReady, logHead] = await Promise.all([
    nullOnFailure(store.assertReady().then(() => true)),
    nullOnFailure(store.read.head()),
  ]);
  return {
    storeReady: storeReady ?? false,
    logHead,
    feedPosition: position,
    sockets: server.openSockets(),
    subscriptions,
    subscriptionsBehind: behind,
    monitor: monitor.report,
  };
}

/** Resolves to null after an error or a timeout. */
async function nullOnFailure<T>(work: Promise<T>): Promise<T | null> {
  const done = new AbortController();
  const timeout = sleep(TIMEOUT_MS, null, { signal: done.signal, ref: false });
  try {
    return await Promise.race([work, timeout]);
  } catch {
    return null;
  } finally {
    done.abort();
  }
}
