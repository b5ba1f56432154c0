/** Whom there is reason to ask about, and when again. */

import { toDate, toInstantText } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import type { Candidate, CandidateKind, StatusChecks } from '../../store/status-checks';

/** When the reconciler sends status checks, and how many. */
export interface ReconciliationConfig {
  /** Delay between two rounds, in milliseconds. If null, only the command sends status checks. */
  readonly intervalMs: number | null;
  /** How long an attempt may keep an open status before its status is checked, in milliseconds. */
  readonly openAfterMs: number;
  /** The same for an approval that only a static secret proves. */
  readonly unconfirmedAfterMs: number;
  /** The same for an identity without any event. */
  readonly quietAfterMs: number;
  /** Maximum status checks per second and provider, retries included. */
  readonly maxPerSecond: number;
}

export interface Candidates extends Candidate {
  /** `REQUESTED`: somebody wants to know. */
  readonly kind: CandidateKind | 'REQUESTED';
}

/** What may be wrong comes before what may be late. */
const KINDS: readonly CandidateKind[] = ['UNCONFIRMED', 'OPEN', 'QUIET'];

export interface DueQuery {
  readonly asks: Pick<StatusChecks, 'candidates'>;
  /** Vendors that can be asked. */
  readonly providers: ReadonlySet<ProviderId>;
  /** Those of them that answer about single actions. */
  readonly actionProviders: ReadonlySet<ProviderId>;
  readonly patience: OpenAttemptAge;
  readonly now: Date;
  readonly signal?: AbortSignal;
}

export type OpenAttemptAge = Pick<
  ReconciliationConfig,
  'openAfterMs' | 'unconfirmedAfterMs' | 'quietAfterMs'
>;

/** Attempts looked at by one statement, so that none takes long. */
const PAGE = 500;
/** Per vendor and round; the others have been asked about the longest ago, so the next round comes to them. */
const MAX_DUE = 2_000;

/** Each account and action once, by the first kind that it is due for. Ends once no vendor has room for more. */
export async function findCandidates(query: DueQuery): Promise<readonly Candidates[]> {
  const due = new Map<string, Candidates>();
  const room = new Map(Array.from(query.providers, (provider) => [provider, MAX_DUE]));
  for (const kind of KINDS) {
    for await (const candidate of candidates(query, kind)) {
      const { identityId, actionId, provider } = candidate;
      const key = `${identityId} ${actionId}`;
      const left = room.get(provider);
      if (left === undefined || due.has(key)) continue;
      // Of an action that is decided, no other word is expected.
      if (actionId !== null && kind !== 'OPEN') continue;
      if (!isCheckable(candidate, query.actionProviders)) continue;
      if (!isDue(candidate, kind, query.patience, query.now)) continue;
      due.set(key, { ...candidate, kind });
      if (left > 1) room.set(provider, left - 1);
      else room.delete(provider);
      if (room.size === 0) return [...due.values()];
    }
  }
  return [...due.values()];
}

/** No vendor answers about a deleted account, and not every vendor about a single action. */
export function isCheckable(
  { state, actionId, attemptRef, provider }: Candidate,
  actionProviders: ReadonlySet<ProviderId>,
): boolean {
  if (state === 'DELETED') return false;
  return actionId === null || (attemptRef !== null && actionProviders.has(provider));
}

/**
 * Once it has stood as it is for as long as the patience for its kind; then again at longer and longer distances, a quarter of
 * that time, so that those who never finish are asked about ever more rarely.
 */
export function isDue(
  candidate: Pick<Candidate, 'updatedAt' | 'lastReceivedAt' | 'lastCheckedAt'>,
  kind: CandidateKind,
  patience: OpenAttemptAge,
  now: Date,
): boolean {
  const { updatedAt, lastReceivedAt, lastCheckedAt } = candidate;
  const afterMs = patienceFor(kind, patience);
  const stoodMs = now.getTime() - toDate(kind === 'QUIET' ? lastReceivedAt : updatedAt).getTime();
  // What is dated ahead of our clock would escape the question until then.
  if (stoodMs >= 0 && stoodMs < afterMs) return false;
  const askedMs =
    lastCheckedAt === null ? Number.POSITIVE_INFINITY : now.getTime() - lastCheckedAt.getTime();
  return askedMs < 0 || askedMs >= Math.max(afterMs, stoodMs / 4);
}

function patienceFor(kind: CandidateKind, patience: OpenAttemptAge): number {
  switch (kind) {
    case 'UNCONFIRMED':
      return patience.unconfirmedAfterMs;
    case 'OPEN':
      return patience.openAfterMs;
    case 'QUIET':
      return patience.quietAfterMs;
  }
}

async function* candidates(
  { asks, patience, now, signal }: DueQuery,
  kind: CandidateKind,
): AsyncGenerator<Candidate> {
  const updatedBefore =
    kind === 'UNCONFIRMED'
      ? undefined
      : toInstantText(new Date(now.getTime() - patienceFor(kind, patience)));
  let after: Candidate | undefined;
  do {
    signal?.throwIfAborted();
    const page = await asks.candidates({ kind, updatedBefore, after, limit: PAGE });
    yield* page;
    after = page.length === PAGE ? page.at(-1) : undefined;
  } while (after !== undefined);
}
