/** `kyc-gateway replay`: applies stored deliveries again with the current adapters. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../../config/load-config';
import type { Change } from '../../domain/change';
import type { ProviderId } from '../../domain/level';
import { DISPOSITIONS, type Disposition } from '../../domain/status';
import { decodeNodeId, plainNodeId } from '../../graphql/relay/node-id';
import { omitNullish } from '../../graphql/relay/omit-nullish';
import { createReread } from '../../ingest/ingest';
import type { Provider } from '../../providers/provider';
import { PROVIDER_IDS, PROVIDERS } from '../../providers/registry';
import type { ReplayOutcome } from '../../store/replay/replay-deliveries';
import type { ReplaySelection } from '../../store/replay/stored-deliveries';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError, COMMAND_LINE, commandLineActor } from '../context';

interface Options {
  readonly id?: readonly number[];
  readonly provider?: string;
  readonly disposition?: Disposition;
  readonly from?: Date;
  readonly before?: Date;
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

export function addReplay(program: Command, context: CliContext): void {
  program
    .command('replay')
    .description('Apply stored deliveries again. The filters are combined with AND.')
    .option('--id <id...>', 'only these deliveries, by GraphQL ID or number', addId)
    .addOption(new Option('--provider <provider>', 'only of this provider').choices(PROVIDER_IDS))
    .addOption(
      new Option('--disposition <disposition>', 'only with this disposition').choices(DISPOSITIONS),
    )
    .option('--from <time>', 'only received at or after this ISO 8601 time', parseTime)
    .option('--before <time>', 'only received before this ISO 8601 time', parseTime)
    .option('--all', 'all deliveries')
    .option('--dry-run', 'print the changes without applying them')
    .action((options: Options) => replay(context, options));
}

async function replay(context: CliContext, options: Options): Promise<void> {
  const selection = toSelection(options);
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  await withStore(config, log, { onOtherRules: 'refuse' }, async (store) => {
    const outcome = await store.replay({
      selection,
      dryRun: options.dryRun === true,
      changeActor: COMMAND_LINE,
      auditActor: commandLineActor(),
      now: new Date(),
      reread: createReread(createAllProviders(config), () => new Date(), config.clockSkewMs),
    });
    for (const line of formatOutcome(outcome, options.dryRun === true)) context.print(line);
    if (outcome.failed.length > 0) {
      const { failed, deliveries } = outcome;
      throw new CliError(`Deliveries not applied: ${failed.length} of ${deliveries}.`);
    }
  });
}

/** Creates all adapters, also those without a secret: stored deliveries were verified on receipt. */
function createAllProviders(config: Config): ReadonlyMap<ProviderId, Provider> {
  return new Map(
    PROVIDERS.map(({ id, create }) => [id, create(config, config.webhookSecrets[id] ?? [])]),
  );
}

/** Requires `--all` to select every delivery, so that a missing filter does not select all. */
function toSelection({ id, provider, disposition, from, before, all }: Options): ReplaySelection {
  const range = { receivedFrom: from, receivedBefore: before };
  const selection = omitNullish({ ids: id, provider, disposition, ...range });
  if (Object.keys(selection).length === 0 && all !== true) {
    throw new CliError('Specify a filter or pass --all.');
  }
  return selection;
}

function formatOutcome(outcome: ReplayOutcome, dryRun: boolean): readonly string[] {
  const { deliveries, dispositionChanges, failed, changes } = outcome;
  const labels = dryRun
    ? ['Dispositions that would change', 'Changes that would be logged']
    : ['Dispositions changed', 'Changes logged'];
  return [
    ...dispositionChanges.map(({ deliveryId, before, after }) => {
      return `${plainNodeId('WebhookDelivery', deliveryId)}: ${before} → ${after}`;
    }),
    ...failed.map(({ deliveryId, reason: { code, message } }) => {
      return `${plainNodeId('WebhookDelivery', deliveryId)}: not applied (${code}: ${message})`;
    }),
    ...changes.map(formatChange),
    `Deliveries read: ${deliveries}. ${labels[0]}: ${dispositionChanges.length}. ${labels[1]}: ${changes.length}.`,
  ];
}

/** Formats the statuses of a change. Other fields may be personal. */
function formatChange(change: Change): string {
  const parts = [
    formatTransition('attempt', change.previousAttemptStatus, change.attemptStatus),
    formatTransition('level', change.previousLevelStatus, change.levelStatus),
    formatTransition('user', change.previousVerificationStatus, change.verificationStatus),
  ];
  const level = change.levelKey === null ? '' : ` at ${change.levelKey}`;
  return `${plainNodeId('User', change.userId)}${level}: ${parts.filter((part) => part !== '').join(', ')}`;
}

function formatTransition(label: string, before: string | null, after: string | null): string {
  return before === after ? '' : `${label} ${before ?? 'none'} → ${after ?? 'none'}`;
}

function addId(text: string, earlier: readonly number[] = []): readonly number[] {
  const node = decodeNodeId(text);
  const id = node?.kind === 'WebhookDelivery' ? node.key : Number(text);
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new InvalidArgumentError('The ID must be the GraphQL ID or number of a delivery.');
  }
  return [...earlier, id];
}

function parseTime(text: string): Date {
  const time = new Date(text);
  const hasZone = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text); // local time depends on the machine
  if (!hasZone || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError(
      'The time must be ISO 8601 with a zone, for example 2025-01-31 or 2025-01-31T12:00:00Z.',
    );
  }
  return time;
}
