/** `kyc-gateway keys`: makes, lists and revokes API keys. */

import { type Command, InvalidArgumentError } from 'commander';
import { generateApiKey } from '../access/api-key';
import { SCOPES, type Scope } from '../access/principal';
import { openStore } from '../store/open-store';
import type { ApiKeyRow, ApiKeys } from '../store/store';
import { createCommandLogger, loadConfiguration } from './configuration';
import { type CliContext, CliError } from './context';

export function addKeys(program: Command, context: CliContext): void {
  const keys = program.command('keys').description('make, list and revoke API keys');

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
      withKeys(context, (apiKeys) => create(context, apiKeys, options)),
    );

  keys
    .command('list')
    .description('show all keys, by their public prefix')
    .action(() => withKeys(context, (apiKeys) => list(context, apiKeys)));

  keys
    .command('revoke')
    .description('end a key; open subscriptions end within two seconds')
    .argument('<prefix>', 'the part between the two underscores, as `keys list` shows it')
    .action((prefix: string) => withKeys(context, (apiKeys) => revoke(context, apiKeys, prefix)));
}

async function create(
  context: CliContext,
  apiKeys: ApiKeys,
  { name, scope }: { readonly name: string; readonly scope: readonly Scope[] },
): Promise<void> {
  const { key, prefix, hash } = generateApiKey();
  await apiKeys.create({ name, prefix, hash, scopes: scope, now: new Date() });
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

const HEADINGS = ['PREFIX', 'NAME', 'SCOPES', 'CREATED', 'REVOKED'];

function cells({ prefix, name, scopes, createdAt, revokedAt }: ApiKeyRow): string[] {
  return [prefix, name, scopes.join(','), createdAt.toISOString(), revokedAt?.toISOString() ?? ''];
}

async function revoke(context: CliContext, apiKeys: ApiKeys, prefix: string): Promise<void> {
  const revoked = await apiKeys.revoke(prefix, new Date());
  if (!revoked) throw new CliError('There is no live key with this prefix.');
  context.print('revoked');
}

async function withKeys(
  context: CliContext,
  work: (apiKeys: ApiKeys) => Promise<void>,
): Promise<void> {
  const config = loadConfiguration(context);
  const store = await openStore(config, createCommandLogger(context, config), {
    onOtherRules: 'leave',
  });
  try {
    await work(store.apiKeys);
  } finally {
    await store.close();
  }
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
