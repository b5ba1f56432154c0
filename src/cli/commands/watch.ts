/** `kyc-gateway watch`: prints status changes as they are committed, across restarts of the gateway. */

import type { Command } from 'commander';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { iterateFromCursor } from '../../client/iterate-from-cursor';
import { loadConfiguration, loadVariables } from '../configuration';
import { type CliContext, CliError } from '../context';
import { parseUrl, toGatewayUrl } from '../gateway-url';
import { CHANGES_SUBSCRIPTION, HEAD_QUERY } from '../watch-documents';

interface Options {
  readonly after?: string;
  readonly url?: string;
  readonly key?: string;
}

interface WatchedChange {
  readonly cursor: string;
  readonly cause: { readonly kind: string };
  readonly user: { readonly externalUserId: string | null; readonly id: string };
  readonly level: { readonly name: string } | null;
  readonly provider: string | null;
  readonly attemptStatus: string | null;
  readonly verificationStatus: string;
}

/** Close code of the gateway for invalid credentials. */
const FORBIDDEN = 4403;

export function addWatch(program: Command, context: CliContext): void {
  program
    .command('watch')
    .description('Print status changes of a running gateway.')
    .option('--after <cursor>', 'start after this change instead of now')
    .option('--url <url>', 'URL of the gateway (default: from the configuration)', parseUrl)
    .option(
      '--key <key>',
      'API key (default: KYC_API_KEY, which is not visible in the process list)',
    )
    .action((options: Options) => watch(context, options));
}

async function watch(context: CliContext, options: Options): Promise<void> {
  const { after, url, key } = resolveTarget(context, options);
  const client = connect(url, key.value);
  try {
    const variables = { after: after ?? (await readHead(client)) };
    context.print(`Watching ${url}. Press Ctrl-C to stop.`);
    const changes = iterateFromCursor<{ readonly statusChanged: WatchedChange }>(client, {
      query: CHANGES_SUBSCRIPTION,
      variables,
    });
    for await (const { data, errors } of changes) {
      if (errors !== undefined) throw errors;
      if (data) context.print(formatChange(data.statusChanged));
    }
  } catch (error) {
    throw new CliError(formatReason(error, url, key.name), { cause: error });
  } finally {
    await client.dispose();
  }
}

interface Target {
  readonly after: string | undefined;
  readonly url: string;
  readonly key: { readonly name: string; readonly value: string };
}

/** Reads the configuration only if options and `KYC_API_KEY` do not specify everything. */
function resolveTarget(context: CliContext, options: Options): Target {
  const { after, url, key } = options;
  const fromEnv = loadVariables(context).KYC_API_KEY?.trim();
  const specified = key
    ? { name: '--key', value: key }
    : fromEnv && { name: 'KYC_API_KEY', value: fromEnv };
  if (url !== undefined && specified) return { after, url, key: specified };
  const config = loadConfiguration(context);
  const { bootstrapApiKey: bootstrap } = config;
  const fallback = bootstrap === null ? '' : { name: 'BOOTSTRAP_API_KEY', value: bootstrap };
  const selected = specified || fallback;
  if (!selected) {
    throw new CliError(
      'No API key is configured. Set KYC_API_KEY to a key with the scope `read`. Create one with `kyc-gateway keys create`.',
    );
  }
  return { after, url: url ?? toGatewayUrl(config), key: selected };
}

function connect(url: string, apiKey: string): Client {
  let connected = false;
  return createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${apiKey}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => connected && getCloseCode(event) !== FORBIDDEN,
    on: {
      connected: () => {
        connected = true;
      },
    },
  });
}

/** Reads the current cursor, so that no change is lost if the connection breaks before the first one. */
async function readHead(client: Client): Promise<string | undefined> {
  for await (const { data, errors } of client.iterate<{ cursor: string }>({
    query: HEAD_QUERY,
  })) {
    if (errors !== undefined) throw errors;
    return data?.cursor;
  }
  return undefined;
}

function formatChange(change: WatchedChange): string {
  const { user, level, provider, attemptStatus, verificationStatus, cause, cursor } = change;
  const details = [provider, level?.name, attemptStatus].filter(
    (part) => part !== null && part !== undefined,
  );
  return `${user.externalUserId ?? user.id}  ${verificationStatus}  ${cause.kind}  ${details.join(' ')}  (--after ${cursor})`;
}

function formatReason(error: unknown, url: string, keyName: string): string {
  const code = getCloseCode(error);
  if (code === FORBIDDEN) return `The gateway rejected the API key of ${keyName}.`;
  if (Array.isArray(error)) return error.map(({ message }) => String(message)).join('\n');
  return `No gateway responds at ${url}. Start it, or pass another URL with --url.`;
}

function getCloseCode(event: unknown): number | undefined {
  if (typeof event !== 'object' || event === null || !('code' in event)) return undefined;
  return typeof event.code === 'number' ? event.code : undefined;
}
