/** Requests current statuses from the providers' APIs and stores each response like a webhook. */

import { randomUUID } from 'node:crypto';
import type { RecordOutcome } from '../../domain/delivery';
import { ProviderApiError, type ProviderApiFault } from '../../domain/errors';
import type { ProviderId } from '../../domain/level';
import type { IngestResponse } from '../../ingest/ingest';
import type { Logger } from '../../observability/log';
import type { FetchStatus, Provider } from '../../providers/provider';
import type { StatusChecks } from '../../store/status-checks';
import { type DueCheck, findDueChecks, isCheckable, type ReconciliationConfig } from './candidates';
import {
  CircuitOpenError,
  createProviderClient,
  PROVIDER_CLIENT_LIMITS,
  type ProviderClient,
  type ProviderClientLimits,
} from './provider-client';

export interface ReconcilerOptions {
  /** Configured providers. Those without API credentials are not checked. */
  readonly providers: ReadonlyMap<ProviderId, Provider>;
  readonly statusChecks: StatusChecks;
  readonly ingestResponse: IngestResponse;
  readonly config: ReconciliationConfig;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly observer?: ReconcileObserver;
  readonly limits?: Partial<ProviderClientLimits>;
}

/** Receives events for metrics. */
export interface ReconcileObserver {
  /** A status check has ended. */
  onChecked?(provider: ProviderId, outcome: StatusCheckOutcome): void;
  /** The circuit of a provider has opened (`false`) or closed (`true`). Also called for each provider at the start. */
  onCircuit?(provider: ProviderId, closed: boolean): void;
}

/**
 * `CHANGED`: the change log has new entries. `AGREED`: the status is unchanged. `QUARANTINED`: the response is stored but
 * unreadable. `UNKNOWN`: the account does not exist at the provider. `FAILED`: no response. `SKIPPED`: the circuit is open.
 */
export const STATUS_CHECK_OUTCOMES = [
  'CHANGED',
  'AGREED',
  'QUARANTINED',
  'UNKNOWN',
  'FAILED',
  'SKIPPED',
] as const;
export type StatusCheckOutcome = (typeof STATUS_CHECK_OUTCOMES)[number];

export interface StatusCheckResult {
  readonly due: DueCheck;
  readonly outcome: StatusCheckOutcome;
  readonly stored: RecordOutcome | null;
  readonly fault: ProviderApiFault | null;
}

export interface CheckOptions {
  readonly signal: AbortSignal;
  readonly onResult?: (result: StatusCheckResult) => void;
  /** Called before each batch. If it resolves to false, the provider's remaining checks are left out. */
  readonly mayContinue?: () => Promise<boolean>;
}

/** Claims of one check last longer than the check with all its retries, so that no two checks of one account overlap. */
const CLAIM_MS = 60_000;
const LEASE_MS = 60_000;
/** Checks that are claimed together. They are sent within seconds. */
const BATCH = 16;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #clients = new Map<ProviderId, ProviderClient>();
  readonly #actionProviders: ReadonlySet<ProviderId>;
  /** Identifies this process as the holder of the lease. */
  readonly #holder = randomUUID();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    for (const [id, { statusCall }] of options.providers) {
      if (statusCall?.fetchStatus === undefined) continue;
      this.#clients.set(id, this.#createClient(id, statusCall.fetchStatus));
    }
    this.#actionProviders = new Set(
      [...this.#clients.keys()].filter(
        (id) => options.providers.get(id)?.statusCall?.supportsActions,
      ),
    );
  }

  /** Providers with API credentials. */
  get providers(): ReadonlySet<ProviderId> {
    return new Set(this.#clients.keys());
  }

  findDue(signal?: AbortSignal): Promise<readonly DueCheck[]> {
    const { statusChecks, config, clock } = this.#options;
    return findDueChecks({
      statusChecks,
      providers: this.providers,
      actionProviders: this.#actionProviders,
      delays: config,
      now: clock(),
      ...(signal && { signal }),
    });
  }

  /** Returns checks of all accounts of one user, due or not. */
  async findForUser(userId: number): Promise<readonly DueCheck[]> {
    const candidates = await this.#options.statusChecks.candidatesForUser(userId);
    return candidates
      .filter(({ provider }) => this.#clients.has(provider))
      .filter((candidate) => isCheckable(candidate, this.#actionProviders))
      .map((candidate) => ({ ...candidate, kind: 'REQUESTED' }));
  }

  /**
   * Sends the checks, in parallel for all providers, each at its own rate. Leaves out checks that another process has claimed.
   *
   * @throws {StoreUnavailableError} If a response cannot be stored. Rejects if `signal` aborts.
   */
  async check(due: readonly DueCheck[], options: CheckOptions): Promise<void> {
    // The first failure aborts all providers. The method waits for them, so that no check continues in the background.
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const ended = await Promise.allSettled(
      [...this.#clients].map(async ([provider, client]) => {
        try {
          const own = due.filter((each) => each.provider === provider);
          await this.#checkProvider(client, own, { ...options, signal });
        } catch (error) {
          failed.abort(error);
          throw error;
        }
      }),
    );
    options.signal.throwIfAborted();
    if (ended.some(({ status }) => status === 'rejected')) throw failed.signal.reason;
  }

  /** Acquires or renews the lease of scheduled checks. Returns false if another process holds it. */
  acquireLease(): Promise<boolean> {
    const { statusChecks, clock } = this.#options;
    return statusChecks.lease(this.#holder, clock(), LEASE_MS);
  }

  releaseLease(): Promise<void> {
    return this.#options.statusChecks.release(this.#holder);
  }

  /**
   * One scheduled run: sends all due checks if this process gets the lease.
   *
   * @param signal - If aborted, pending requests are cancelled. Responses that have arrived are stored.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (!(await this.acquireLease())) return;
    const outcomes: Partial<Record<StatusCheckOutcome, number>> = {};
    try {
      await this.check(await this.findDue(signal), {
        signal,
        onResult({ outcome }) {
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        },
        mayContinue: () => this.acquireLease(),
      });
    } finally {
      if (Object.keys(outcomes).length > 0) {
        this.#options.log.info({ outcomes }, 'finished status checks');
      }
      await this.releaseLease();
    }
  }

  #createClient(provider: ProviderId, fetchStatus: FetchStatus): ProviderClient {
    const { observer, clock, config, limits, log } = this.#options;
    observer?.onCircuit?.(provider, true);
    return createProviderClient({
      fetchStatus,
      clock,
      limits: { ...PROVIDER_CLIENT_LIMITS, maxPerSecond: config.maxPerSecond, ...limits },
      onState(up, error) {
        observer?.onCircuit?.(provider, up);
        if (up) {
          log.info({ provider }, 'provider API is available again');
          return;
        }
        const { fault, message, retryAfterMs } = error ?? {};
        log.warn({ provider, fault, message, retryAfterMs }, 'provider API failed; pausing checks');
      },
    });
  }

  async #checkProvider(
    client: ProviderClient,
    due: readonly DueCheck[],
    options: CheckOptions,
  ): Promise<void> {
    const { statusChecks, clock } = this.#options;
    for (let start = 0; start < due.length; start += BATCH) {
      options.signal.throwIfAborted();
      if ((await options.mayContinue?.()) === false) return;
      const claimed = await statusChecks.claim(due.slice(start, start + BATCH), clock(), CLAIM_MS);
      const skipped = await this.#checkBatch(client, claimed, options);
      if (skipped.length === 0) continue;
      await statusChecks.disclaim(skipped);
      for (const each of due.slice(start + BATCH)) this.#report(skip(each), options);
      return;
    }
  }

  /** Returns the checks that were skipped because the circuit is open. */
  async #checkBatch(
    client: ProviderClient,
    batch: readonly DueCheck[],
    options: CheckOptions,
  ): Promise<readonly DueCheck[]> {
    const skipped: DueCheck[] = [];
    const ended = await Promise.allSettled(
      batch.map(async (each) => {
        const result = await this.#checkOne(client, each, options.signal);
        if (result.outcome === 'SKIPPED') skipped.push(each);
        this.#report(result, options);
      }),
    );
    const failure = ended.find((result) => result.status === 'rejected');
    if (failure === undefined) return skipped;
    if (skipped.length > 0) await this.#options.statusChecks.disclaim(skipped);
    throw failure.reason;
  }

  async #checkOne(
    client: ProviderClient,
    due: DueCheck,
    signal: AbortSignal,
  ): Promise<StatusCheckResult> {
    const { provider, subjectRef, sandbox, actionId, attemptRef } = due;
    const actionRef = actionId === null ? null : attemptRef;
    try {
      const response = await client.fetch({ subjectRef, actionRef, sandbox }, signal);
      if (response === undefined) return { due, outcome: 'UNKNOWN', stored: null, fault: null };
      const stored = await this.#options.ingestResponse(provider, response);
      return { due, outcome: toOutcome(stored), stored, fault: null };
    } catch (error) {
      if (error instanceof CircuitOpenError) return skip(due);
      if (!(error instanceof ProviderApiError)) throw error;
      return { due, outcome: 'FAILED', stored: null, fault: error.fault };
    }
  }

  #report(result: StatusCheckResult, { onResult }: CheckOptions): void {
    this.#options.observer?.onChecked?.(result.due.provider, result.outcome);
    onResult?.(result);
  }
}

function skip(due: DueCheck): StatusCheckResult {
  return { due, outcome: 'SKIPPED', stored: null, fault: null };
}

function toOutcome({ changes, disposition }: RecordOutcome): StatusCheckOutcome {
  if (changes > 0) return 'CHANGED';
  return disposition === 'QUARANTINED' ? 'QUARANTINED' : 'AGREED';
}
