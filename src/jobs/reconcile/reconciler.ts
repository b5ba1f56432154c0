/** Asks the vendors' APIs whether what we hold is so, and keeps what they answer as the pipeline keeps a webhook. */

import { randomUUID } from 'node:crypto';
import type { RecordOutcome } from '../../domain/delivery';
import { ProviderApiError, type ProviderApiFault } from '../../domain/errors';
import type { ProviderId } from '../../domain/level';
import type { IngestResponse } from '../../ingest/ingest';
import type { Logger } from '../../observability/log';
import type { FetchStatus, Provider } from '../../providers/provider';
import type { StatusChecks } from '../../store/status-checks';
import {
  type Candidates,
  findCandidates,
  isCheckable,
  type ReconciliationConfig,
} from './candidates';
import {
  CircuitOpenError,
  createProviderClient,
  PROVIDER_CLIENT_LIMITS,
  type ProviderClient,
  type ProviderClientLimits,
} from './provider-client';

export interface ReconcilerOptions {
  /** The vendors that are configured, by slug; those without credentials for their API are not asked. */
  readonly providers: ReadonlyMap<ProviderId, Provider>;
  readonly asks: StatusChecks;
  readonly ingestResponse: IngestResponse;
  readonly config: ReconciliationConfig;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** For metrics. */
  readonly observer?: ReconcileObserver;
  readonly limits?: Partial<ProviderClientLimits>;
}

export interface ReconcileObserver {
  /** A question has come to its end. */
  onAsked?(provider: ProviderId, outcome: StatusCheckOutcome): void;
  /** The vendor is left alone from now on, or asked again. Called for every vendor at the start. */
  onLine?(provider: ProviderId, up: boolean): void;
}

/**
 * `CHANGED`: the log has news; `AGREED`: it is as we hold it; `QUARANTINED`: kept, but not understood; `UNKNOWN`: the vendor knows
 * no such account; `FAILED`: no answer; `LEFT`: not asked, since the vendor is left alone.
 */
export const STATUS_CHECK_OUTCOMES = [
  'CHANGED',
  'AGREED',
  'QUARANTINED',
  'UNKNOWN',
  'FAILED',
  'LEFT',
] as const;
export type StatusCheckOutcome = (typeof STATUS_CHECK_OUTCOMES)[number];

export interface StatusCheckResult {
  readonly due: Candidates;
  readonly outcome: StatusCheckOutcome;
  readonly kept: RecordOutcome | null;
  readonly fault: ProviderApiFault | null;
}

export interface Reconciler {
  /** Vendors that can be asked. */
  readonly providers: ReadonlySet<ProviderId>;
  /** Whom there is reason to ask about. */
  due(signal?: AbortSignal): Promise<readonly Candidates[]>;
  /** All accounts of one user, reason or not. */
  dueOf(userId: number): Promise<readonly Candidates[]>;
  /**
   * Asks about them, each vendor at its own pace; who is being asked about already is left out.
   *
   * @param keep - Called before each batch; `false` ends it.
   * @throws {StoreUnavailableError} where answers cannot be kept. Rejects when `signal` aborts.
   */
  ask(
    due: readonly Candidates[],
    signal: AbortSignal,
    told?: (result: StatusCheckResult) => void,
    keep?: () => Promise<boolean>,
  ): Promise<void>;
  /** Makes this process the one that asks by itself; to be renewed while it does. */
  lease(): Promise<boolean>;
  release(): Promise<void>;
}

/** Longer than a question can take with all its tries, so that no two about one account are ever under way. */
const APART_MS = 60_000;
const LEASE_MS = 60_000;
/** Claimed at once, and asked about within seconds. */
const BATCH = 16;

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { asks, ingestResponse, config, clock, log, observer } = options;
  const holder = randomUUID();
  const lines = new Map<ProviderId, ProviderClient>();
  for (const [id, { statusCall }] of options.providers) {
    if (statusCall?.fetchStatus !== undefined) lines.set(id, lineTo(id, statusCall.fetchStatus));
  }
  const providers: ReadonlySet<ProviderId> = new Set(lines.keys());
  const actionProviders: ReadonlySet<ProviderId> = new Set(
    [...providers].filter((id) => options.providers.get(id)?.statusCall?.supportsActions),
  );

  return {
    providers,

    due: (signal) =>
      findCandidates({
        asks,
        providers,
        actionProviders,
        patience: config,
        now: clock(),
        ...(signal && { signal }),
      }),

    async dueOf(userId) {
      const candidates = await asks.candidatesForUser(userId);
      return candidates
        .filter((one) => providers.has(one.provider) && isCheckable(one, actionProviders))
        .map((one) => ({ ...one, kind: 'REQUESTED' }));
    },

    async ask(due, signal, told = () => {}, keep = async () => true) {
      // One that cannot go on ends all, and none is left behind at work.
      const failed = new AbortController();
      const both = AbortSignal.any([signal, failed.signal]);
      const ended = await Promise.allSettled(
        [...lines].map(async ([provider, line]) => {
          try {
            const own = due.filter((one) => one.provider === provider);
            await askAll(line, own, both, told, keep);
          } catch (error) {
            failed.abort(error);
            throw error;
          }
        }),
      );
      signal.throwIfAborted();
      const failure = ended.find(({ status }) => status === 'rejected');
      if (failure !== undefined) throw failed.signal.reason;
    },

    lease: () => asks.lease(holder, clock(), LEASE_MS),
    release: () => asks.release(holder),
  };

  function lineTo(provider: ProviderId, fetchStatus: FetchStatus): ProviderClient {
    observer?.onLine?.(provider, true);
    return createProviderClient({
      fetchStatus,
      clock,
      limits: { ...PROVIDER_CLIENT_LIMITS, maxPerSecond: config.maxPerSecond, ...options.limits },
      onState(up, fault) {
        observer?.onLine?.(provider, up);
        if (up) log.info({ provider }, 'the vendor answers again');
        else {
          const { fault: kind, message, retryAfterMs } = fault ?? {};
          const why = { provider, fault: kind, message, retryAfterMs };
          log.warn(why, 'the vendor does not answer; it is left alone for a while');
        }
      },
    });
  }

  async function askAll(
    line: ProviderClient,
    due: readonly Candidates[],
    signal: AbortSignal,
    told: (result: StatusCheckResult) => void,
    keep: () => Promise<boolean>,
  ): Promise<void> {
    for (let start = 0; start < due.length; start += BATCH) {
      signal.throwIfAborted();
      const batch = due.slice(start, start + BATCH);
      if (!(await keep())) return;
      const mine = await asks.claim(batch, clock(), APART_MS);
      const leftAlone: Candidates[] = [];
      const ended = await Promise.allSettled(
        mine.map(async (one) => {
          const result = await askOne(line, one, signal);
          if (result.outcome === 'LEFT') leftAlone.push(one);
          tell(told, result);
        }),
      );
      if (leftAlone.length > 0) await asks.disclaim(leftAlone);
      const failure = ended.find((result) => result.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      if (leftAlone.length === 0) continue;
      for (const one of due.slice(start + BATCH)) tell(told, left(one));
      return;
    }
  }

  async function askOne(
    line: ProviderClient,
    due: Candidates,
    signal: AbortSignal,
  ): Promise<StatusCheckResult> {
    const { provider, subjectRef, sandbox, actionId, attemptRef } = due;
    const actionRef = actionId === null ? null : attemptRef;
    try {
      const answer = await line.ask({ subjectRef, actionRef, sandbox }, signal);
      if (answer === undefined) return { due, outcome: 'UNKNOWN', kept: null, fault: null };
      const kept = await ingestResponse(provider, answer);
      return { due, outcome: outcomeOf(kept), kept, fault: null };
    } catch (error) {
      if (error instanceof CircuitOpenError) return left(due);
      if (!(error instanceof ProviderApiError)) throw error;
      return { due, outcome: 'FAILED', kept: null, fault: error.fault };
    }
  }

  function tell(told: (result: StatusCheckResult) => void, result: StatusCheckResult): void {
    observer?.onAsked?.(result.due.provider, result.outcome);
    told(result);
  }
}

function left(due: Candidates): StatusCheckResult {
  return { due, outcome: 'LEFT', kept: null, fault: null };
}

function outcomeOf({ changes, disposition }: RecordOutcome): StatusCheckOutcome {
  if (changes > 0) return 'CHANGED';
  return disposition === 'QUARANTINED' ? 'QUARANTINED' : 'AGREED';
}
