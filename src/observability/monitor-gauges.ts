/** Gauges for the results of the monitor. */

import { Gauge, type Registry } from 'prom-client';
import type { ProviderId } from '../domain/level';
import type { OpenStatus } from '../domain/status';

/** The part of the monitor's report that becomes metrics. */
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
  const at = gauge('kyc_monitor_timestamp_seconds', 'Time of the last monitoring run.');
  const open = gauge(
    'kyc_open_attempts',
    'Open attempts, at most a few minutes old.',
    'provider',
    'status',
  );
  const stalled = gauge(
    'kyc_stalled_attempts',
    'Attempts that have kept an open status for longer than STALLED_AFTER.',
    'provider',
    'status',
  );
  const lastDelivery = gauge(
    'kyc_provider_last_delivery_timestamp_seconds',
    'Time of the last new delivery of the provider.',
    'provider',
  );
  const silent = gauge(
    'kyc_provider_silent',
    '1 while the provider sends no webhooks for an unusually long time.',
    'provider',
  );
  const quarantined = gauge(
    'kyc_quarantined_deliveries',
    'Quarantined deliveries that can be replayed. 10000 means 10000 or more.',
    'provider',
  );

  return (report) => {
    for (const each of [open, stalled, lastDelivery, silent, quarantined]) each.reset();
    at.set(report.at.getTime() / 1000);
    for (const { provider, status, ...counts } of report.openAttempts) {
      open.set({ provider, status }, counts.count);
      stalled.set({ provider, status }, counts.stalled);
    }
    for (const { provider, lastDeliveryAt, silentSince, ...counts } of report.providers) {
      if (lastDeliveryAt !== null) lastDelivery.set({ provider }, lastDeliveryAt.getTime() / 1000);
      silent.set({ provider }, silentSince === null ? 0 : 1);
      quarantined.set({ provider }, counts.quarantined);
    }
  };
}
