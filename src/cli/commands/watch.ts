/** `kyc-gateway watch`: prints status changes as they are committed, through restarts of the gateway. */

import type { Command } from 'commander';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { iterateFromCursor } from '../../client/iterate-from-cursor';
import { loadConfiguration, loadVariables } from '../configuration';
import { type CliContext, CliError } from '../context';
import { configuredUrl, parseUrl } from '../gateway-url';
import { CHANGES, HEAD } from '../watch-documents';

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

/** The code that a gateway closes with on bad credentials. */
const FORBIDDEN = 4403;

export function addWatch(program: Command, context: CliContext): void {
  program
    .command('watch')
    .description('print status changes of a running gateway as they come')
    .option('--after <cursor>', 'begin behind this change instead of now')
    .option('--url <url>', 'where the gateway listens (default: as configured)', parseUrl)
    .option('--key <key>', 'an API key (default: KYC_API_KEY, which other users cannot list)')
    .action((options: Options) => watch(context, options));
}

async function watch(context: CliContext, options: Options): Promise<void> {
  const { after, url, key } = whereAndAs(context, options);
  const client = connect(url, key.value);
  try {
    const variables = { after: after ?? (await readHead(client)) };
    context.print(`Watching ${url}; Ctrl-C ends it.`);
    const changes = iterateFromCursor<{ readonly statusChanged: WatchedChange }>(client, {
      query: CHANGES,
      variables,
    });
    for await (const { data, errors } of changes) {
      if (errors !== undefined) throw errors;
      if (data) context.print(tell(data.statusChanged));
    }
  } catch (error) {
    throw new CliError(reasonOf(error, url, key.name), { cause: error });
  } finally {
    await client.dispose();
  }
}

interface Target {
  readonly after: string | undefined;
  readonly url: string;
  readonly key: { readonly name: string; readonly value: string };
}

/** Reads the configuration only for what neither an option nor `KYC_API_KEY` says. */
function whereAndAs(context: CliContext, options: Options): Target {
  const { after, url, key } = options;
  const own = loadVariables(context).KYC_API_KEY?.trim();
  const given = key ? { name: '--key', value: key } : own && { name: 'KYC_API_KEY', value: own };
  if (url !== undefined && given) return { after, url, key: given };
  const config = loadConfiguration(context);
  const { bootstrapApiKey: bootstrap } = config;
  const fallback = bootstrap === null ? '' : { name: 'BOOTSTRAP_API_KEY', value: bootstrap };
  const chosen = given || fallback;
  if (!chosen) {
    throw new CliError(
      'There is no API key: set KYC_API_KEY to one with the scope `read`; `kyc-gateway keys create` makes it.',
    );
  }
  return { after, url: url ?? configuredUrl(config), key: chosen };
}

function connect(url: string, apiKey: string): Client {
  let connected = false;
  return createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${apiKey}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => connected && closeCodeOf(event) !== FORBIDDEN,
    on: {
      connected: () => {
        connected = true;
      },
    },
  });
}

/** So that nothing is missed even if the connection breaks before the first change. */
async function readHead(client: Client): Promise<string | undefined> {
  for await (const { data, errors } of client.iterate<{ cursor: string }>({
    query: HEAD,
  })) {
    if (errors !== undefined) throw errors;
    return data?.cursor;
  }
  return undefined;
}

function tell(change: WatchedChange): string {
  const { user, level, provider, attemptStatus, verificationStatus, cause, cursor } = change;
  const what = [provider, level?.name, attemptStatus].filter(
    (word) => word !== null && word !== undefined,
  );
  return `${user.externalUserId ?? user.id}  ${verificationStatus}  ${cause.kind}  ${what.join(' ')}  (--after ${cursor})`;
}

function reasonOf(error: unknown, url: string, keyName: string): string {
  const code = closeCodeOf(error);
  if (code === FORBIDDEN) return `The gateway refuses the API key of ${keyName}.`;
  if (Array.isArray(error)) return error.map(({ message }) => String(message)).join('\n');
  return `No gateway answers at ${url}. Is it started?`;
}

function closeCodeOf(event: unknown): number | undefined {
  if (typeof event !== 'object' || event === null || !('code' in event)) return undefined;
  return typeof event.code === 'number' ? event.code : undefined;
}
