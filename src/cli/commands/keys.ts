/** `kyc-gateway keys`: makes, lists and revokes API keys, and exchanges the master key of the data. */

import { type Command, InvalidArgumentError } from 'commander';
import { generateApiKey } from '../../access/api-key';
import { SCOPES, type Scope } from '../../access/principal';
import type { ApiKeyRow, ApiKeys } from '../../store/api-keys';
import type { KeyHoldings } from '../../store/keys/master-keys';
import type { RotationOutcome } from '../../store/keys/rotate';
import type { Store } from '../../store/store';
import { commandLineActor } from '../actor';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError } from '../context';

export function addKeys(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke API keys; exchange the master key of the data');

  keys
    .command('create')
    .description('make a key and show it, this once')
    .requiredOption(
      '--name <name>',
      'who will use it; stands in the log beside what was done with it',
      parseName,
    )
    .requiredOption('--scope <scope...>', `what it may do: ${SCOPES.join(', ')}`, addScope)
    .action((options: { readonly name: string; readonly scope: readonly Scope[] }) =>
      onStore(context, ({ apiKeys }) => create(context, apiKeys, options)),
    );

  keys
    .command('list')
    .description('show all keys, by their public prefix')
    .action(() => onStore(context, ({ apiKeys }) => list(context, apiKeys)));

  keys
    .command('revoke')
    .description('end a key; open subscriptions end within two seconds')
    .argument(
      '<prefix>',
      'the part between the two underscores, or the ID, as `keys list` shows them',
    )
    .action((prefix: string) =>
      onStore(context, ({ apiKeys }) => revoke(context, apiKeys, prefix)),
    );

  keys
    .command('rotate-data')
    .description('bring all data under the first key of DATA_KEYS, while the gateway runs')
    .action(() => onStore(context, (store) => rotateData(context, store)));
}

async function create(
  context: CliContext,
  apiKeys: ApiKeys,
  { name, scope }: { readonly name: string; readonly scope: readonly Scope[] },
): Promise<void> {
  const { key, prefix, hash } = generateApiKey();
  await apiKeys.create({
    name,
    prefix,
    hash,
    scopes: scope,
    auditActor: commandLineActor(),
    now: new Date(),
  });
  context.complain('Keep this key: it is shown only now.');
  context.print(key);
}

async function list(context: CliContext, apiKeys: ApiKeys): Promise<void> {
  const rows = await apiKeys.list();
  const table = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? '').length)),
  );
  for (const row of table) {
    context.print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

const HEADINGS = ['ID', 'PREFIX', 'NAME', 'SCOPES', 'CREATED', 'REVOKED'];

/** As the audit log has it. */
function idOf(id: number): string {
  return `ApiKey:${id}`;
}

function cells({ id, prefix, name, scopes, createdAt, revokedAt }: ApiKeyRow): string[] {
  const times = [createdAt.toISOString(), revokedAt?.toISOString() ?? ''];
  return [idOf(id), prefix, name, scopes.join(','), ...times];
}

async function revoke(context: CliContext, apiKeys: ApiKeys, name: string): Promise<void> {
  const rows = name.startsWith('ApiKey:') ? await apiKeys.list() : [];
  const prefix = rows.find(({ id }) => idOf(id) === name)?.prefix ?? name;
  const revoked = await apiKeys.revoke(prefix, commandLineActor(), new Date());
  if (!revoked) throw new CliError('There is no live key with this prefix or ID.');
  context.print('revoked');
}

async function rotateData(context: CliContext, store: Store): Promise<void> {
  let toldAt = Date.now();
  const outcome = await store.rotateDataKeys({
    auditActor: commandLineActor(),
    now: () => new Date(),
    onProgress({ done, of }) {
      if (Date.now() - toldAt < PROGRESS_MS) return;
      toldAt = Date.now();
      context.complain(`${done} of ${of}`);
    },
  });
  for (const line of tellRotation(outcome)) context.print(line);
  if (outcome.unreadable.length > 0) {
    throw new CliError(`Nobody can read any more: ${outcome.unreadable.join(', ')}.`);
  }
}

const PROGRESS_MS = 1_000;

function tellRotation({ current, done, holdings, free }: RotationOutcome): readonly string[] {
  return [
    `${done} brought under ${current}`,
    ...holdings.map((held) => tellHoldings(held, current)),
    ...free.map((id) => `${id}: 0, may be removed from DATA_KEYS`),
  ];
}

function tellHoldings({ id, dataKeys, bodies, secrets }: KeyHoldings, current: string): string {
  const held = `${id}: ${dataKeys} data keys, ${bodies} bodies, ${secrets} secrets`;
  return id === current ? held : `${held}; has to stay, is it the first one of a running gateway?`;
}

async function onStore(context: CliContext, work: (store: Store) => Promise<void>): Promise<void> {
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  await withStore(config, log, { onOtherRules: 'leave' }, work);
}

function parseName(text: string): string {
  const name = text.trim();
  if (!/^[^\p{Cc}]{1,100}$/u.test(name))
    throw new InvalidArgumentError('Expected 1 to 100 characters.');
  return name;
}

/** Called for each `--scope` and each word behind it. */
function addScope(text: string, earlier: readonly Scope[] = []): readonly Scope[] {
  const words = text.split(',').map((word) => word.trim());
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  if (scopes.length < new Set(words).size) {
    throw new InvalidArgumentError(`Expected ${SCOPES.join(', ')}.`);
  }
  return [...new Set([...earlier, ...scopes])];
}
