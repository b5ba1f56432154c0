/** `kyc-gateway replay`: applies kept deliveries again, as the adapters understand them now. */

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
import { COMMAND_LINE, commandLineActor } from '../actor';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError } from '../context';

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
    .description('apply kept deliveries again; all conditions given have to hold')
    .option('--id <id...>', 'these deliveries, by GraphQL id or number', addId)
    .addOption(new Option('--provider <provider>', 'of this vendor').choices(PROVIDER_IDS))
    .addOption(new Option('--disposition <word>', 'of which this became').choices(DISPOSITIONS))
    .option('--from <time>', 'received at this time or later, ISO 8601', parseTime)
    .option('--before <time>', 'received before this time', parseTime)
    .option('--all', 'every delivery there is')
    .option('--dry-run', 'change nothing, only show what would change')
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
      reread: createReread(allProviders(config), () => new Date(), config.clockSkewMs),
    });
    for (const line of tell(outcome, options.dryRun === true)) context.print(line);
    if (outcome.failed.length > 0) {
      const { failed, deliveries } = outcome;
      throw new CliError(`Left as they were: ${failed.length} of ${deliveries} deliveries.`);
    }
  });
}

/** Also those without a secret: what they once sent has proven itself when it came. */
function allProviders(config: Config): ReadonlyMap<ProviderId, Provider> {
  return new Map(
    PROVIDERS.map(({ id, create }) => [id, create(config, config.webhookSecrets[id] ?? [])]),
  );
}

/** Everything is asked for by name: a forgotten condition must not select it. */
function toSelection({ id, provider, disposition, from, before, all }: Options): ReplaySelection {
  const range = { receivedFrom: from, receivedBefore: before };
  const selection = omitNullish({ ids: id, provider, disposition, ...range });
  if (Object.keys(selection).length === 0 && all !== true) {
    throw new CliError('Say which deliveries, or --all.');
  }
  return selection;
}

function tell(outcome: ReplayOutcome, dryRun: boolean): readonly string[] {
  const { deliveries, dispositionChanges, failed, changes } = outcome;
  const would = dryRun ? 'would be ' : '';
  return [
    ...dispositionChanges.map(({ deliveryId, before, after }) => {
      return `${plainNodeId('WebhookDelivery', deliveryId)}: ${before} → ${after}`;
    }),
    ...failed.map(({ deliveryId, reason: { code, message } }) => {
      return `${plainNodeId('WebhookDelivery', deliveryId)}: left as it was (${code}: ${message})`;
    }),
    ...changes.map(tellChange),
    `${deliveries} deliveries read, ${dispositionChanges.length} ${would}disposed of otherwise, ${changes.length} changes ${would}logged`,
  ];
}

/** Statuses alone: what else a change holds may be personal. */
function tellChange(change: Change): string {
  const parts = [
    arrow('attempt', change.previousAttemptStatus, change.attemptStatus),
    arrow('level', change.previousLevelStatus, change.levelStatus),
    arrow('user', change.previousVerificationStatus, change.verificationStatus),
  ];
  const about = change.levelKey === null ? '' : ` at ${change.levelKey}`;
  return `${plainNodeId('User', change.userId)}${about}: ${parts.filter((part) => part !== '').join(', ')}`;
}

function arrow(what: string, before: string | null, after: string | null): string {
  return before === after ? '' : `${what} ${before ?? 'none'} → ${after ?? 'none'}`;
}

function addId(text: string, earlier: readonly number[] = []): readonly number[] {
  const node = decodeNodeId(text);
  const id = node?.kind === 'WebhookDelivery' ? node.key : Number(text);
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new InvalidArgumentError('Expected the id of a delivery.');
  }
  return [...earlier, id];
}

function parseTime(text: string): Date {
  const time = new Date(text);
  const zoned = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text); // local time would depend on the machine
  if (!zoned || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('Expected e.g. 2025-01-31 or 2025-01-31T12:00:00Z.');
  }
  return time;
}
