/** Looks for what should have happened and has not: attempts that stand still, vendors that say nothing. */

import { toDate } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { MonitoringRules } from '../domain/monitoring';
import type { Logger } from '../observability/log';
import type { OpenAttempts, Silence } from '../store/read/reader';
import type { Store } from '../store/store';
import { startInterval } from './interval';

export interface MonitorOptions {
  readonly store: Pick<Store, 'snapshot'>;
  /** The vendors that are configured. */
  readonly providers: readonly ProviderId[];
  readonly rules: MonitoringRules;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly intervalMs?: number;
}

export interface Monitor {
  /** The last census, at most a few minutes old; the first time it is waited for. */
  census(): Promise<readonly OpenAttempts[]>;
  /** What the last round found; `null` until there was one. */
  readonly report: MonitoringReport | null;
  /** Lets a round under way finish. */
  stop(): Promise<void>;
}

export interface MonitoringReport {
  readonly at: Date;
  readonly openAttempts: readonly OpenAttempts[];
  readonly providers: readonly (Silence & {
    readonly provider: ProviderId;
    /** Deliveries in quarantine; no more than `MOST_QUARANTINED` are counted. */
    readonly quarantined: number;
  })[];
}

const MINUTE_MS = 60_000;
/** Of the time: no more is spent on censuses, however many attempts are open. */
const CENSUS_SHARE = 1 / 100;
const MOST_QUARANTINED = 10_000;

/** A round at once, then one every interval; a round that fails is made up for by the next. */
export function startMonitor(options: MonitorOptions): Monitor {
  const { store, providers, rules, clock, log, intervalMs = MINUTE_MS } = options;
  const tell = createTeller(log);
  let census: readonly OpenAttempts[] | null = null;
  let nextCensusAt = 0;
  let report: MonitoringReport | null = null;
  const rounds = startInterval({
    work: look,
    intervalMs,
    first: 'AT_ONCE',
    onError: (err) => log.error({ err }, 'the watch failed; it will be tried again'),
  });

  return {
    async census() {
      if (census === null) await rounds.settled();
      return census ?? takeCensus();
    },
    get report() {
      return report;
    },
    stop: rounds.stop,
  };

  async function look(): Promise<void> {
    const at = clock();
    const openAttempts = performance.now() < nextCensusAt && census ? census : await takeCensus();
    const found = await store.snapshot(async (read) => {
      const each = [];
      for (const provider of providers) {
        const silence = await read.silence(provider, at, rules.silence);
        const quarantined = await read.quarantined(provider, MOST_QUARANTINED);
        each.push({ provider, ...silence, quarantined });
      }
      return each;
    });
    report = { at, openAttempts, providers: found };
    tell(report);
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
    nextCensusAt = startedAt + durationMs / CENSUS_SHARE;
    return census;
  }
}

/** Logs what begins and what ends, once each. After a restart, what goes on is told anew. */
function createTeller(log: MonitorOptions['log']): (report: MonitoringReport) => void {
  const silent = new Map<ProviderId, Date>();
  const stalled = new Set<string>();

  function tellSilence({
    provider,
    silentSince,
    lastDeliveryAt,
  }: MonitoringReport['providers'][number]) {
    const since = silent.get(provider);
    if (silentSince !== null && since === undefined) {
      silent.set(provider, silentSince);
      log.warn({ provider, silentSince }, 'a provider has gone quiet');
    } else if (silentSince === null && since !== undefined) {
      silent.delete(provider);
      log.info({ provider, silentSince: since, lastDeliveryAt }, 'a provider is heard again');
    }
  }

  function tellStalled(openAttempts: readonly OpenAttempts[]) {
    const now = openAttempts.filter((each) => each.stalled > 0);
    for (const { provider, status, stalled: count, oldest } of now) {
      const key = `${provider} ${status}`;
      if (stalled.has(key)) continue;
      stalled.add(key);
      const details = { provider, status, stalled: count, oldest: toDate(oldest) };
      log.warn(details, 'attempts have stalled');
    }
    for (const key of stalled) {
      const [provider, status] = key.split(' ');
      if (now.some((each) => each.provider === provider && each.status === status)) continue;
      stalled.delete(key);
      log.info({ provider, status }, 'no attempt is stalled any more');
    }
  }

  return ({ providers, openAttempts }) => {
    for (const provider of providers) tellSilence(provider);
    tellStalled(openAttempts);
  };
}
