/** `kyc-gateway reconcile`: sends status checks to provider APIs. */

import { type Command, Option } from 'commander';
import type { Config } from '../../config/load-config';
import { toDate } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import { decodeNodeId, plainNodeId } from '../../graphql/relay/node-id';
import { createIngestResponse } from '../../ingest/ingest';
import type { DueCheck } from '../../jobs/reconcile/candidates';
import {
  Reconciler,
  type StatusCheckOutcome,
  type StatusCheckResult,
} from '../../jobs/reconcile/reconciler';
import { createProviders, PROVIDER_IDS, PROVIDERS } from '../../providers/registry';
import type { Store } from '../../store/store';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError, commandLineActor } from '../context';

interface Options {
  readonly provider?: ProviderId;
  readonly user?: string;
  readonly dryRun?: boolean;
}

const NOTHING_DUE = 'No identities are due for a status check.';

export function addReconcile(program: Command, context: CliContext): void {
  program
    .command('reconcile')
    .description(
      'Send status checks for identities with long-open attempts, unconfirmed approvals or long silence.',
    )
    .addOption(
      new Option('--provider <provider>', 'check only this provider').choices(PROVIDER_IDS),
    )
    .option(
      '--user <id>',
      'check this user, due or not: your ID for the user, the GraphQL ID, or User:12',
    )
    .option('--dry-run', 'send no requests; list the identities that are due and the reason')
    .action((options: Options) => reconcile(context, options));
}

async function reconcile(context: CliContext, options: Options): Promise<void> {
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  const providers = createProviders(config);
  assertCredentials(config, options.provider);
  await withStore(config, log, { onOtherRules: 'refuse' }, async (store) => {
    const reconciler = new Reconciler({
      providers,
      statusChecks: store.statusChecks,
      ingestResponse: createIngestResponse({
        providers,
        store,
        wake() {}, // a running gateway polls the change log
        clockSkewMs: config.clockSkewMs,
      }),
      config: config.reconciliation,
      clock: () => new Date(),
      log,
    });
    const due = await selectCandidates(store, reconciler, options);
    if (options.dryRun === true) printCandidates(context, due);
    else {
      await recordAuditEntry(store, due, options);
      await runChecks(context, reconciler, due, options.user === undefined);
    }
  });
}

/** Records the audit entry before the first request, because each request discloses an identity to a provider. */
async function recordAuditEntry(
  store: Store,
  due: readonly DueCheck[],
  options: Options,
): Promise<void> {
  const [first] = due;
  if (first === undefined) return;
  const at = new Date();
  const subject = options.user === undefined ? null : plainNodeId('User', first.userId);
  const details = { accounts: due.length, provider: options.provider ?? null };
  const actor = commandLineActor();
  await store.audit.record([{ action: 'RECONCILED', actor, subject, reason: null, details, at }]);
}

function assertCredentials({ providerApis }: Config, provider: ProviderId | undefined): void {
  const selected = PROVIDERS.filter(({ id }) => provider === undefined || id === provider);
  if (selected.some(({ id }) => id in providerApis)) return;
  const names = selected.map(({ credentialsVariable }) => credentialsVariable).join(' or ');
  throw new CliError(
    `No provider API is configured. Set ${names}. See docs/configuration.md for the other variables.`,
  );
}

async function selectCandidates(
  store: Store,
  reconciler: Reconciler,
  { provider, user }: Options,
): Promise<readonly DueCheck[]> {
  const due =
    user === undefined
      ? await reconciler.findDue()
      : await reconciler.findForUser(await findUser(store, user));
  return due.filter((candidate) => provider === undefined || candidate.provider === provider);
}

async function findUser({ read }: Store, id: string): Promise<number> {
  const node = decodeNodeId(id);
  const [byId = null] = node?.kind === 'User' ? await read.usersByIds([node.key]) : [];
  const user = byId ?? (await read.userByExternalId(id));
  if (user === null) throw new CliError('No user has this ID.');
  return user.id;
}

// ── Status checks ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Sends the status checks. @param exclusive - Whether to take the lease, so that no gateway exceeds the rate limit at the same time. */
async function runChecks(
  context: CliContext,
  reconciler: Reconciler,
  due: readonly DueCheck[],
  exclusive: boolean,
): Promise<void> {
  if (exclusive && !(await reconciler.acquireLease())) {
    throw new CliError('A gateway is running status checks. Try again in one minute.');
  }
  const counts: Partial<Record<StatusCheckOutcome, number>> = {};
  const onResult = (result: StatusCheckResult): void => {
    counts[result.outcome] = (counts[result.outcome] ?? 0) + 1;
    context.print(`${formatName(result.due)}: ${formatResult(result)}`);
  };
  try {
    await reconciler.check(due, {
      signal: new AbortController().signal,
      onResult,
      ...(exclusive && { mayContinue: () => reconciler.acquireLease() }),
    });
  } finally {
    if (exclusive) await reconciler.releaseLease();
  }
  context.print(formatCounts(due.length, counts));
  const unanswered = (counts.FAILED ?? 0) + (counts.SKIPPED ?? 0);
  if (unanswered > 0)
    throw new CliError(
      `Status checks without a response: ${unanswered} of ${due.length}. Run the command again later.`,
    );
}

const OUTCOME_TEXTS: Record<StatusCheckOutcome, string> = {
  CHANGED: 'changed',
  AGREED: 'unchanged',
  QUARANTINED: 'the response is quarantined',
  UNKNOWN: 'unknown to the provider',
  FAILED: 'no response',
  SKIPPED: 'skipped, because the provider does not respond',
};

function formatResult({ outcome, stored, fault }: StatusCheckResult): string {
  if (outcome === 'CHANGED')
    return `changed (${stored === null ? '' : plainNodeId('WebhookDelivery', stored.deliveryId)})`;
  return fault === null ? OUTCOME_TEXTS[outcome] : `${OUTCOME_TEXTS[outcome]} (${fault})`;
}

function formatCounts(due: number, counts: Partial<Record<StatusCheckOutcome, number>>): string {
  const parts: readonly (readonly [StatusCheckOutcome, string])[] = [
    ['CHANGED', 'changed'],
    ['AGREED', 'unchanged'],
    ['QUARANTINED', 'quarantined'],
    ['UNKNOWN', 'unknown to the provider'],
    ['FAILED', 'without a response'],
    ['SKIPPED', 'skipped'],
  ];
  const texts = parts.flatMap(([outcome, text]) =>
    counts[outcome] === undefined ? [] : [`${counts[outcome]} ${text}`],
  );
  const checked = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const others = due - checked; // another process checked them within the last minute
  if (others > 0) texts.push(`${others} checked by another process`);
  return due === 0 ? NOTHING_DUE : `Status checks: ${due} (${texts.join(', ')}).`;
}

// ── Dry run ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function printCandidates(context: CliContext, due: readonly DueCheck[]): void {
  for (const candidate of due) {
    const reason = `${REASON_TEXTS[candidate.kind]} ${formatSince(candidate)}`;
    context.print(`${formatName(candidate)}: ${reason}`);
  }
  context.print(
    due.length === 0 ? NOTHING_DUE : `Identities due: ${due.length}. No requests were sent.`,
  );
}

const REASON_TEXTS: Record<DueCheck['kind'], string> = {
  UNCONFIRMED: 'unconfirmed since',
  OPEN: 'open since',
  QUIET: 'no events since',
  REQUESTED: 'last event',
};

function formatSince({ lastReceivedAt, updatedAt, kind }: DueCheck): string {
  const instant = kind === 'QUIET' || kind === 'REQUESTED' ? lastReceivedAt : updatedAt;
  return toDate(instant).toISOString().slice(0, 19).replace('T', ' ');
}

/** Formats a candidate without the provider's user ID, which may be personal. */
function formatName({ provider, userId, identityId, actionId }: DueCheck): string {
  const { displayName } = PROVIDERS.find(({ id }) => id === provider) ?? { displayName: provider };
  const subject =
    actionId === null
      ? plainNodeId('Identity', identityId)
      : plainNodeId('VerificationAttempt', actionId);
  return `${plainNodeId('User', userId)} at ${displayName} (${subject})`;
}
