/** `kyc-gateway keys`: creates, lists and revokes API keys, and rotates the master key. */

import { type Command, InvalidArgumentError } from 'commander';
import { generateApiKey } from '../../access/api-key';
import { SCOPES, type Scope } from '../../access/principal';
import type { ApiKeyRow, ApiKeys } from '../../store/api-keys';
import type { KeyUsage } from '../../store/keys/master-keys';
import type { RotationOutcome } from '../../store/keys/rotate';
import type { Store } from '../../store/store';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError, commandLineActor } from '../context';

export function addKeys(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('Create, list and revoke API keys, and rotate the master key.');

  keys
    .command('create')
    .description('Create a key and print it. It is not shown again.')
    .requiredOption('--name <name>', 'user of the key; appears in the logs', parseName)
    .requiredOption('--scope <scope...>', `permissions: ${SCOPES.join(', ')}`, addScope)
    .action((options: { readonly name: string; readonly scope: readonly Scope[] }) =>
      withCommandStore(context, ({ apiKeys }) => create(context, apiKeys, options)),
    );

  keys
    .command('list')
    .description('List all keys by their public prefix.')
    .action(() => withCommandStore(context, ({ apiKeys }) => list(context, apiKeys)));

  keys
    .command('revoke')
    .description('Revoke a key. Its subscriptions end within two seconds.')
    .argument('<prefix>', 'text between the two underscores of the key, or the ID in `keys list`')
    .action((prefix: string) =>
      withCommandStore(context, ({ apiKeys }) => revoke(context, apiKeys, prefix)),
    );

  keys
    .command('rotate-data')
    .description('Re-encrypt all data with the first key of DATA_KEYS. The gateway may be running.')
    .action(() => withCommandStore(context, (store) => rotateData(context, store)));
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
  context.printError('Save this key. It is not shown again.');
  context.print(key);
}

async function list(context: CliContext, apiKeys: ApiKeys): Promise<void> {
  const rows = await apiKeys.list();
  const table = [HEADINGS, ...rows.map(toCells)];
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

/** Formats the ID like the audit log. */
function toAuditId(id: number): string {
  return `ApiKey:${id}`;
}

function toCells({ id, prefix, name, scopes, createdAt, revokedAt }: ApiKeyRow): string[] {
  const times = [createdAt.toISOString(), revokedAt?.toISOString() ?? ''];
  return [toAuditId(id), prefix, name, scopes.join(','), ...times];
}

async function revoke(context: CliContext, apiKeys: ApiKeys, name: string): Promise<void> {
  const rows = name.startsWith('ApiKey:') ? await apiKeys.list() : [];
  const prefix = rows.find(({ id }) => toAuditId(id) === name)?.prefix ?? name;
  const revoked = await apiKeys.revoke(prefix, commandLineActor(), new Date());
  if (!revoked)
    throw new CliError('No active key has this prefix or ID. List the keys with `keys list`.');
  context.print(`Revoked the key ${prefix}.`);
}

async function rotateData(context: CliContext, store: Store): Promise<void> {
  let printedAt = Date.now();
  const outcome = await store.rotateDataKeys({
    auditActor: commandLineActor(),
    now: () => new Date(),
    onProgress({ done, of }) {
      if (Date.now() - printedAt < PROGRESS_MS) return;
      printedAt = Date.now();
      context.printError(`Re-encrypted ${done} of ${of} items.`);
    },
  });
  for (const line of formatRotation(outcome)) context.print(line);
  if (outcome.unreadable.length > 0) {
    throw new CliError(
      `These rows fail to decrypt: ${outcome.unreadable.join(', ')}. Restore them from a backup.`,
    );
  }
}

const PROGRESS_MS = 1_000;

function formatRotation({ current, done, usage, unused }: RotationOutcome): readonly string[] {
  return [
    `Re-encrypted ${done} items with ${current}.`,
    ...usage.map((key) => formatUsage(key, current)),
    ...unused.map((id) => `${id} encrypts nothing. You can remove it from DATA_KEYS.`),
  ];
}

function formatUsage({ id, dataKeys, bodies, secrets }: KeyUsage, current: string): string {
  const usage = `${id} encrypts ${dataKeys} data keys, ${bodies} bodies and ${secrets} secrets.`;
  return id === current
    ? usage
    : `${usage} Keep it in DATA_KEYS. A running gateway may still use it as its first key.`;
}

async function withCommandStore(
  context: CliContext,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  await withStore(config, log, { onOtherRules: 'leave' }, work);
}

function parseName(text: string): string {
  const name = text.trim();
  if (!/^[^\p{Cc}]{1,100}$/u.test(name))
    throw new InvalidArgumentError('The name must have 1 to 100 characters.');
  return name;
}

/** Parses one `--scope` argument and adds it to the earlier ones. */
function addScope(text: string, earlier: readonly Scope[] = []): readonly Scope[] {
  const names = text.split(',').map((name) => name.trim());
  const scopes = SCOPES.filter((scope) => names.includes(scope));
  if (scopes.length < new Set(names).size) {
    throw new InvalidArgumentError(`Unknown scope. Use: ${SCOPES.join(', ')}.`);
  }
  return [...new Set([...earlier, ...scopes])];
}
