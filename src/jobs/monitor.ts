/** Detects missing events: stalled attempts, and providers that stopped sending webhooks. */

import { toDate } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { MonitoringRules } from '../domain/monitoring';
import type { Logger } from '../observability/log';
import type { OpenAttempts, Silence } from '../store/read/reader';
import type { Store } from '../store/store';
import { startInterval } from './interval';

export interface MonitorOptions {
  readonly store: Pick<Store, 'snapshot'>;
  /** Configured providers. */
  readonly providers: readonly ProviderId[];
  readonly rules: MonitoringRules;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly intervalMs?: number;
}

export interface Monitor {
  /** Open attempts by provider and status, at most a few minutes old. The first call waits for the first run. */
  census(): Promise<readonly OpenAttempts[]>;
  /** Result of the last run. Null before the first one. */
  readonly report: MonitoringReport | null;
  /** Waits for the current run. */
  stop(): Promise<void>;
}

export interface MonitoringReport {
  readonly at: Date;
  readonly openAttempts: readonly OpenAttempts[];
  readonly providers: readonly (Silence & {
    readonly provider: ProviderId;
    /** Deliveries in quarantine. Counts at most `MAX_QUARANTINED`. */
    readonly quarantined: number;
  })[];
}

const MINUTE_MS = 60_000;
/** Maximum share of time that counting open attempts may take, for any number of attempts. */
const MAX_CENSUS_SHARE = 1 / 100;
const MAX_QUARANTINED = 10_000;

/** Runs immediately, then at every interval. A failed run is repeated by the next one. */
export function startMonitor(options: MonitorOptions): Monitor {
  const { store, providers, rules, clock, log, intervalMs = MINUTE_MS } = options;
  const logTransitions = createTransitionLog(log);
  let census: readonly OpenAttempts[] | null = null;
  let nextCensusAt = 0;
  let report: MonitoringReport | null = null;
  const interval = startInterval({
    work: run,
    intervalMs,
    first: 'IMMEDIATELY',
    onError: (err) => log.error({ err }, 'monitoring run failed'),
  });

  return {
    async census() {
      if (census === null) await interval.settled();
      return census ?? takeCensus();
    },
    get report() {
      return report;
    },
    stop: interval.stop,
  };

  async function run(): Promise<void> {
    const at = clock();
    const openAttempts = performance.now() < nextCensusAt && census ? census : await takeCensus();
    const found = await store.snapshot(async (read) => {
      const each = [];
      for (const provider of providers) {
        const silence = await read.silence(provider, at, rules.silence);
        const quarantined = await read.quarantined(provider, MAX_QUARANTINED);
        each.push({ provider, ...silence, quarantined });
      }
      return each;
    });
    report = { at, openAttempts, providers: found };
    logTransitions(report);
  }

  async function takeCensus(): Promise<readonly OpenAttempts[]> {
    const startedAt = performance.now();
    const time = clock().getTime();
    const { PENDING, IN_PROGRESS, ACTION_REQUIRED, IN_REVIEW } = rules.stalledAfterMs;
    const stalledBefore = {
      PENDING: new Date(time - PENDING),
      IN_PROGRESS: new Date(time - IN_PROGRESS),
      ACTION_REQUIRED: new Date(time - ACTION_REQUIRED),
      IN_REVIEW: new Date(time - IN_REVIEW),
    };
    census = await store.snapshot((read) => read.openAttempts(stalledBefore));
    const durationMs = performance.now() - startedAt;
    nextCensusAt = startedAt + durationMs / MAX_CENSUS_SHARE;
    return census;
  }
}

/** Logs the start and the end of each condition once. After a restart, conditions that persist are logged again. */
function createTransitionLog(log: MonitorOptions['log']): (report: MonitoringReport) => void {
  const silent = new Map<ProviderId, Date>();
  const stalled = new Set<string>();

  function logSilence({
    provider,
    silentSince,
    lastDeliveryAt,
  }: MonitoringReport['providers'][number]) {
    const since = silent.get(provider);
    if (silentSince !== null && since === undefined) {
      silent.set(provider, silentSince);
      log.warn({ provider, silentSince }, 'provider stopped sending webhooks');
    } else if (silentSince === null && since !== undefined) {
      silent.delete(provider);
      log.info(
        { provider, silentSince: since, lastDeliveryAt },
        'provider resumed sending webhooks',
      );
    }
  }

  function logStalled(openAttempts: readonly OpenAttempts[]) {
    const now = openAttempts.filter((each) => each.stalled > 0);
    for (const { provider, status, stalled: count, oldest } of now) {
      const key = `${provider} ${status}`;
      if (stalled.has(key)) continue;
      stalled.add(key);
      const details = { provider, status, stalled: count, oldest: toDate(oldest) };
      log.warn(details, 'attempts stalled');
    }
    for (const key of stalled) {
      const [provider, status] = key.split(' ');
      if (now.some((each) => each.provider === provider && each.status === status)) continue;
      stalled.delete(key);
      log.info({ provider, status }, 'attempts no longer stalled');
    }
  }

  return ({ providers, openAttempts }) => {
    for (const provider of providers) logSilence(provider);
    logStalled(openAttempts);
  };
}
