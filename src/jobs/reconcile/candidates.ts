/** Selects the identities and actions that are due for a status check. */

import { toDate, toInstantText } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import type { Candidate, CandidateKind, StatusChecks } from '../../store/status-checks';

/** Schedule and limits of status checks. */
export interface ReconciliationConfig {
  /** Delay between two runs, in milliseconds. If null, only the command sends status checks. */
  readonly intervalMs: number | null;
  /** Age of an open status at which it is checked, in milliseconds. */
  readonly openAfterMs: number;
  /** The same for an approval that only a static secret proves. */
  readonly unconfirmedAfterMs: number;
  /** The same for an identity without any event. */
  readonly quietAfterMs: number;
  /** Maximum status checks per second and provider, retries included. */
  readonly maxPerSecond: number;
}

/** A status check that is due. */
export interface DueCheck extends Candidate {
  /** `REQUESTED`: requested by an operator, due or not. */
  readonly kind: CandidateKind | 'REQUESTED';
}

/** In order of urgency: possibly wrong statuses come before late ones. */
const KINDS: readonly CandidateKind[] = ['UNCONFIRMED', 'OPEN', 'QUIET'];

export interface DueCheckQuery {
  readonly statusChecks: Pick<StatusChecks, 'candidates'>;
  /** Providers with API credentials. */
  readonly providers: ReadonlySet<ProviderId>;
  /** Those of them whose API returns the status of a single action. */
  readonly actionProviders: ReadonlySet<ProviderId>;
  readonly delays: CheckDelays;
  readonly now: Date;
  readonly signal?: AbortSignal;
}

export type CheckDelays = Pick<
  ReconciliationConfig,
  'openAfterMs' | 'unconfirmedAfterMs' | 'quietAfterMs'
>;

/** Attempts that one statement reads, so that each statement is short. */
const PAGE = 500;
/** Maximum per provider and run. The least recently checked come first, so the next run continues with the rest. */
const MAX_DUE = 2_000;

/** Returns each identity and action once, with the first kind for which it is due. Stops when every provider has `MAX_DUE`. */
export async function findDueChecks(query: DueCheckQuery): Promise<readonly DueCheck[]> {
  const due = new Map<string, DueCheck>();
  const capacity = new Map(Array.from(query.providers, (provider) => [provider, MAX_DUE]));
  for (const kind of KINDS) {
    for await (const candidate of candidates(query, kind)) {
      const { identityId, actionId, provider } = candidate;
      const key = `${identityId} ${actionId}`;
      const left = capacity.get(provider);
      if (left === undefined || due.has(key)) continue;
      // The provider sends nothing more about a decided action.
      if (actionId !== null && kind !== 'OPEN') continue;
      if (!isCheckable(candidate, query.actionProviders)) continue;
      if (!isDue(candidate, kind, query.delays, query.now)) continue;
      due.set(key, { ...candidate, kind });
      if (left > 1) capacity.set(provider, left - 1);
      else capacity.delete(provider);
      if (capacity.size === 0) return [...due.values()];
    }
  }
  return [...due.values()];
}

/** Whether the provider's API can return a status: never of a deleted account, and of an action only at some providers. */
export function isCheckable(
  { state, actionId, attemptRef, provider }: Candidate,
  actionProviders: ReadonlySet<ProviderId>,
): boolean {
  if (state === 'DELETED') return false;
  return actionId === null || (attemptRef !== null && actionProviders.has(provider));
}

/**
 * Whether a candidate is due: its status is at least as old as the delay of its kind, and the last check is old enough. Checks
 * repeat after a quarter of the age of the status, so they become rarer for attempts that never finish.
 */
export function isDue(
  candidate: Pick<Candidate, 'updatedAt' | 'lastReceivedAt' | 'lastCheckedAt'>,
  kind: CandidateKind,
  delays: CheckDelays,
  now: Date,
): boolean {
  const { updatedAt, lastReceivedAt, lastCheckedAt } = candidate;
  const delayMs = toDelayMs(kind, delays);
  const ageMs = now.getTime() - toDate(kind === 'QUIET' ? lastReceivedAt : updatedAt).getTime();
  // A status dated ahead of our clock has a negative age. It is due: otherwise it would not be checked until then.
  if (ageMs >= 0 && ageMs < delayMs) return false;
  const sinceCheckMs =
    lastCheckedAt === null ? Number.POSITIVE_INFINITY : now.getTime() - lastCheckedAt.getTime();
  return sinceCheckMs < 0 || sinceCheckMs >= Math.max(delayMs, ageMs / 4);
}

function toDelayMs(kind: CandidateKind, delays: CheckDelays): number {
  switch (kind) {
    case 'UNCONFIRMED':
      return delays.unconfirmedAfterMs;
    case 'OPEN':
      return delays.openAfterMs;
    case 'QUIET':
      return delays.quietAfterMs;
  }
}

async function* candidates(
  { statusChecks, delays, now, signal }: DueCheckQuery,
  kind: CandidateKind,
): AsyncGenerator<Candidate> {
  const updatedBefore =
    kind === 'UNCONFIRMED'
      ? undefined
      : toInstantText(new Date(now.getTime() - toDelayMs(kind, delays)));
  let after: Candidate | undefined;
  do {
    signal?.throwIfAborted();
    const page = await statusChecks.candidates({ kind, updatedBefore, after, limit: PAGE });
    yield* page;
    after = page.length === PAGE ? page.at(-1) : undefined;
  } while (after !== undefined);
}
