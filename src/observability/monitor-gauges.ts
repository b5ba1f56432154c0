/** What the watch has found, as metrics. */

import { Gauge, type Registry } from 'prom-client';
import type { ProviderId } from '../domain/level';
import type { OpenStatus } from '../domain/status';

/** The part of the watch's report that is shown. */
export interface MonitorReport {
  readonly at: Date;
  readonly openAttempts: readonly {
    readonly provider: ProviderId;
    readonly status: OpenStatus;
    readonly count: number;
    readonly stalled: number;
  }[];
  readonly providers: readonly {
    readonly provider: ProviderId;
    readonly lastDeliveryAt: Date | null;
    readonly silentSince: Date | null;
    readonly quarantined: number;
  }[];
}

export function createMonitorGauges(registry: Registry): (report: MonitorReport) => void {
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers });
  const at = gauge('kyc_watch_timestamp_seconds', 'When the figures of the watch were taken.');
  const open = gauge(
    'kyc_open_attempts',
    'Attempts that are open, as counted a few minutes ago at most.',
    'provider',
    'status',
  );
  const stalled = gauge(
    'kyc_stalled_attempts',
    'Those that have been in their status for longer than STALLED_AFTER says.',
    'provider',
    'status',
  );
  const heard = gauge(
    'kyc_provider_last_delivery_timestamp_seconds',
    'When the vendor last sent something new.',
    'provider',
  );
  const silent = gauge(
    'kyc_provider_silent',
    '1 while the vendor says nothing and that is unusual for it at this time.',
    'provider',
  );
  const quarantined = gauge(
    'kyc_quarantined_deliveries',
    'Deliveries that nobody could read, waiting to be replayed; 10000 stands for that many or more.',
    'provider',
  );

  return (report) => {
    for (const each of [open, stalled, heard, silent, quarantined]) each.reset();
    at.set(report.at.getTime() / 1000);
    for (const { provider, status, ...counts } of report.openAttempts) {
      open.set({ provider, status }, counts.count);
      stalled.set({ provider, status }, counts.stalled);
    }
    for (const { provider, lastDeliveryAt, silentSince, ...counts } of report.providers) {
      if (lastDeliveryAt !== null) heard.set({ provider }, lastDeliveryAt.getTime() / 1000);
      silent.set({ provider }, silentSince === null ? 0 : 1);
      quarantined.set({ provider }, counts.quarantined);
    }
  };
}
