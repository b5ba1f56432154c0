/** `kyc-gateway reconcile`: asks the vendors whether what the gateway holds is so. */

import { type Command, Option } from 'commander';
import type { Config } from '../../config/load-config';
import { toDate } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import { decodeNodeId, plainNodeId } from '../../graphql/relay/node-id';
import { createIngestResponse } from '../../ingest/ingest';
import type { Candidates } from '../../jobs/reconcile/candidates';
import {
  createReconciler,
  type Reconciler,
  type StatusCheckOutcome,
  type StatusCheckResult,
} from '../../jobs/reconcile/reconciler';
import { createProviders, PROVIDERS } from '../../providers/registry';
import type { Store } from '../../store/store';
import { commandLineActor } from '../actor';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError } from '../context';

interface Options {
  readonly provider?: ProviderId;
  readonly user?: string;
  readonly dryRun?: boolean;
}

/** The variable without which a vendor is not asked. */
const CREDENTIALS: Readonly<Record<ProviderId, string>> = {
  'fractal-id': 'FRACTAL_ID_PRIVATE_KEY',
  sumsub: 'SUMSUB_APP_TOKEN',
  paycaddy: 'PAYCADDY_API_KEY',
  p100: 'P100_API_KEY',
};

export function addReconcile(program: Command, context: CliContext): void {
  program
    .command('reconcile')
    .description('ask the vendors about attempts that are open too long, unconfirmed or quiet')
    .addOption(
      new Option('--provider <provider>', 'ask this vendor only').choices(Object.keys(CREDENTIALS)),
    )
    .option(
      '--user <id>',
      'ask about this user, reason or not; your ID, the GraphQL ID, or User:12',
    )
    .option('--dry-run', 'ask nobody, only show who would be asked about and why')
    .action((options: Options) => reconcile(context, options));
}

async function reconcile(context: CliContext, options: Options): Promise<void> {
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  const providers = createProviders(config);
  assertCredentials(config, options.provider);
  await withStore(config, log, { onOtherRules: 'refuse' }, async (store) => {
    const reconciler = createReconciler({
      providers,
      asks: store.statusChecks,
      ingestResponse: createIngestResponse({
        providers,
        store,
        wake() {}, // a running gateway finds out by itself
        clockSkewMs: config.clockSkewMs,
      }),
      config: config.reconciliation,
      clock: () => new Date(),
      log,
    });
    const due = await selectDue(store, reconciler, options);
    if (options.dryRun === true) foretell(context, due);
    else {
      await writeDown(store, due, options);
      await ask(context, reconciler, due, options.user === undefined);
    }
  });
}

/** Before anybody is asked: what a vendor is told of whom is out of our hands. */
async function writeDown(
  store: Store,
  due: readonly Candidates[],
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
  const wanted = provider === undefined ? Object.keys(CREDENTIALS) : [provider];
  if (wanted.some((id) => id in providerApis)) return;
  const names = wanted.map((id) => CREDENTIALS[id]).join(' or ');
  throw new CliError(`Nobody can be asked: set ${names}; the README tells what belongs to it.`);
}

async function selectDue(
  store: Store,
  reconciler: Reconciler,
  { provider, user }: Options,
): Promise<readonly Candidates[]> {
  const due =
    user === undefined
      ? await reconciler.due()
      : await reconciler.dueOf(await findUser(store, user));
  return due.filter((one) => provider === undefined || one.provider === provider);
}

async function findUser({ read }: Store, id: string): Promise<number> {
  const node = decodeNodeId(id);
  const [byId = null] = node?.kind === 'User' ? await read.usersByIds([node.key]) : [];
  const user = byId ?? (await read.userByExternalId(id));
  if (user === null) throw new CliError('There is no user with this id.');
  return user.id;
}

// ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param alone - A round over all: not beside another one, or the vendors would be asked twice as fast as agreed. */
async function ask(
  context: CliContext,
  reconciler: Reconciler,
  due: readonly Candidates[],
  alone: boolean,
): Promise<void> {
  if (alone && !(await reconciler.lease())) {
    throw new CliError('A gateway is asking the vendors right now. Try again in a minute.');
  }
  const counts: Partial<Record<StatusCheckOutcome, number>> = {};
  const told = (result: StatusCheckResult): void => {
    counts[result.outcome] = (counts[result.outcome] ?? 0) + 1;
    context.print(`${nameOf(result.due)}: ${tellResult(result)}`);
  };
  try {
    const keep = alone ? () => reconciler.lease() : undefined;
    await reconciler.ask(due, new AbortController().signal, told, keep);
  } finally {
    if (alone) await reconciler.release();
  }
  context.print(tellCounts(due.length, counts));
  const unanswered = (counts.FAILED ?? 0) + (counts.LEFT ?? 0);
  if (unanswered > 0) throw new CliError(`Without an answer: ${unanswered} of ${due.length}.`);
}

const WORDS: Record<StatusCheckOutcome, string> = {
  CHANGED: 'changed',
  AGREED: 'as held',
  QUARANTINED: 'answered, but not understood; the delivery is in quarantine',
  UNKNOWN: 'the vendor knows no such account',
  FAILED: 'no answer',
  LEFT: 'not asked, since the vendor does not answer',
};

function tellResult({ outcome, kept, fault }: StatusCheckResult): string {
  if (outcome === 'CHANGED')
    return `changed (${kept === null ? '' : plainNodeId('WebhookDelivery', kept.deliveryId)})`;
  return fault === null ? WORDS[outcome] : `${WORDS[outcome]} (${fault})`;
}

function tellCounts(due: number, counts: Partial<Record<StatusCheckOutcome, number>>): string {
  const parts: readonly (readonly [StatusCheckOutcome, string])[] = [
    ['CHANGED', 'changed'],
    ['AGREED', 'as held'],
    ['QUARANTINED', 'in quarantine'],
    ['UNKNOWN', 'unknown to the vendor'],
    ['FAILED', 'without an answer'],
    ['LEFT', 'not asked'],
  ];
  const told = parts.flatMap(([outcome, word]) =>
    counts[outcome] === undefined ? [] : [`${counts[outcome]} ${word}`],
  );
  const asked = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const others = due - asked; // somebody else has asked about them within the minute
  if (others > 0) told.push(`${others} asked about by another a moment ago`);
  return due === 0 ? 'Nobody to ask about.' : `${due} accounts: ${told.join(', ')}`;
}

// ── Foretelling ─────────────────────────────────────────────────────────────────────────────────────────────────────

function foretell(context: CliContext, due: readonly Candidates[]): void {
  for (const one of due) context.print(`${nameOf(one)}: ${WHY[one.kind]} ${since(one)}`);
  context.print(
    due.length === 0 ? 'Nobody to ask about.' : `${due.length} accounts; nobody was asked`,
  );
}

const WHY: Record<Candidates['kind'], string> = {
  UNCONFIRMED: 'not confirmed, as it stands since',
  OPEN: 'open since',
  QUIET: 'nothing heard since',
  REQUESTED: 'last heard',
};

function since({ lastReceivedAt, updatedAt, kind }: Candidates): string {
  const instant = kind === 'QUIET' || kind === 'REQUESTED' ? lastReceivedAt : updatedAt;
  return toDate(instant).toISOString().slice(0, 19).replace('T', ' ');
}

/** The vendor's id of the user may be personal: it is not shown. */
function nameOf({ provider, userId, identityId, actionId }: Candidates): string {
  const { displayName } = PROVIDERS.find(({ id }) => id === provider) ?? { displayName: provider };
  const subject =
    actionId === null
      ? plainNodeId('Identity', identityId)
      : plainNodeId('VerificationAttempt', actionId);
  return `${plainNodeId('User', userId)} at ${displayName} (${subject})`;
}
