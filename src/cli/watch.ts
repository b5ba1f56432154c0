/** `kyc-gateway watch`: prints status changes as they are committed, through restarts of the gateway. */

import type { Command } from 'commander';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { iterateFromCursor } from '../client/iterate-from-cursor';
import { loadConfiguration } from './configuration';
import { type CliContext, CliError } from './context';
import { configuredUrl, parseUrl } from './gateway-url';

interface Options {
  readonly after?: string;
  readonly url?: string;
}

interface WatchedChange {
  readonly cursor: string;
  readonly user: { readonly externalUserId: string | null; readonly id: string };
  readonly level: { readonly name: string } | null;
  readonly provider: string | null;
  readonly attemptStatus: string | null;
  readonly verificationStatus: string;
}

/** The code that a gateway closes with on bad credentials. */
const FORBIDDEN = 4403;

const SUBSCRIPTION = `subscription ($after: String) {
  statusChanged(after: $after) {
    cursor user { id externalUserId } level { name } provider attemptStatus verificationStatus
  }
}`;

export function addWatch(program: Command, context: CliContext): void {
  program
    .command('watch')
    .description('print status changes of a running gateway as they come')
    .option('--after <cursor>', 'begin behind this change instead of now')
    .option('--url <url>', 'where the gateway listens (default: as configured)', parseUrl)
    .action((options: Options) => watch(context, options));
}

async function watch(context: CliContext, { after, url: givenUrl }: Options): Promise<void> {
  const config = loadConfiguration(context);
  if (config.bootstrapApiKey === null) throw new CliError('BOOTSTRAP_API_KEY is not set.');
  const url = givenUrl ?? configuredUrl(config);
  const client = connect(url, config.bootstrapApiKey);
  try {
    const variables = { after: after ?? (await readHead(client)) };
    context.print(`Watching ${url}; Ctrl-C ends it.`);
    const changes = iterateFromCursor<{ readonly statusChanged: WatchedChange }>(client, {
      query: SUBSCRIPTION,
      variables,
    });
    for await (const { data, errors } of changes) {
      if (errors !== undefined) throw errors;
      if (data) context.print(tell(data.statusChanged));
    }
  } catch (error) {
    throw new CliError(reasonOf(error, url), { cause: error });
  } finally {
    await client.dispose();
  }
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
    query: '{ cursor }',
  })) {
    if (errors !== undefined) throw errors;
    return data?.cursor;
  }
  return undefined;
}

function tell(change: WatchedChange): string {
  const { user, level, provider, attemptStatus, verificationStatus, cursor } = change;
  const what = [provider, level?.name, attemptStatus].filter(
    (word) => word !== null && word !== undefined,
  );
  return `${user.externalUserId ?? user.id}  ${verificationStatus}  ${what.join(' ')}  (--after ${cursor})`;
}

function reasonOf(error: unknown, url: string): string {
  const code = closeCodeOf(error);
  if (code === FORBIDDEN) return 'The gateway refuses BOOTSTRAP_API_KEY.';
  if (Array.isArray(error)) return error.map(({ message }) => String(message)).join('\n');
  return `No gateway answers at ${url}. Is it started?`;
}

function closeCodeOf(event: unknown): number | undefined {
  if (typeof event !== 'object' || event === null || !('code' in event)) return undefined;
  return typeof event.code === 'number' ? event.code : undefined;
}
