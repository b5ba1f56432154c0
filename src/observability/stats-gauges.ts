/** Gauges for the current figures of the gateway, set at each scrape. */

import { Gauge, type Registry } from 'prom-client';
import type { MonitorReport } from './monitor-gauges';

/** Current figures. A figure is null if it cannot be read now. */
export interface GatewayStats {
  readonly storeReady: boolean;
  readonly logHead: number | null;
  readonly feedPosition: number | null;
  readonly sockets: number;
  readonly subscriptions: number;
  /** Subscriptions that read the log by themselves because they do not keep up with its head. */
  readonly subscriptionsBehind: number;
  /** Null before the first run of the monitor. */
  readonly monitor: MonitorReport | null;
}

export function createStatsGauges(registry: Registry): (stats: GatewayStats) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const storeReady = gauge('kyc_store_ready', '1 while the database is readable and migrated.');
  const logHead = gauge('kyc_log_head', 'Position of the newest entry of the change log.');
  const feedPosition = gauge(
    'kyc_feed_position',
    'Position up to which this process has read the change log.',
  );
  const feedLag = gauge(
    'kyc_feed_lag_entries',
    'Change log entries that this process has not read yet.',
  );
  const sockets = gauge('kyc_sockets', 'Open WebSockets.');
  const subscriptions = gauge('kyc_subscriptions', 'Open subscriptions.');
  const behind = gauge(
    'kyc_subscriptions_behind',
    'Subscriptions that have not reached the head of the change log.',
  );
  return (stats) => {
    const { logHead: head, feedPosition: position } = stats;
    storeReady.set(stats.storeReady ? 1 : 0);
    logHead.set(head ?? Number.NaN);
    feedPosition.set(position ?? Number.NaN);
    feedLag.set(head === null || position === null ? Number.NaN : Math.max(0, head - position));
    sockets.set(stats.sockets);
    subscriptions.set(stats.subscriptions);
    behind.set(stats.subscriptionsBehind);
  };
}
