/** `kyc-gateway start`: runs the gateway. */

import { join, relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/load-config';
import { ConfigError } from '../../domain/errors';
import { runGateway } from '../../main';
import { createRedactingLogger, loadConfiguration } from '../configuration';
import { type CliContext, CliError } from '../context';
import { formatCurl } from '../gateway-url';
import { isSystemError, SECRETS_FILE } from '../generated-secrets';

export function addStart(program: Command, context: CliContext): void {
  program
    .command('start')
    .description('Run the gateway until SIGTERM or SIGINT.')
    .action(() => start(context));
}

async function start(context: CliContext): Promise<void> {
  const config = loadConfiguration(context);
  const pretty = isInteractive(config, context);
  const log = createRedactingLogger({ level: config.logLevel, pretty });
  try {
    await runGateway(config, log, ({ url }) => {
      if (config.mode === 'development') context.print(formatWelcome(config, url));
    });
  } catch (cause) {
    throw toConfigError(cause, config);
  }
}

/** Converts the errors of listening to errors that name the variable. Returns other errors unchanged. */
function toConfigError(cause: unknown, config: Config): unknown {
  if (isSystemError(cause, 'EACCES') && cause.syscall === 'listen') {
    return new ConfigError(
      [
        `PORT: must be 1024 or higher, because this user has no permission for port ${config.port} (EACCES)`,
      ],
      { cause },
    );
  }
  if (isSystemError(cause, 'EADDRINUSE')) return new CliError(describePortInUse(config), { cause });
  if (isSystemError(cause, 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN')) {
    const fault = `HOST: must be an address of this machine; ${config.host} is not (${cause.code})`;
    return new ConfigError([fault], { cause });
  }
  return cause;
}

function describePortInUse({ host, port }: Config): string {
  return `Another process is using ${host}:${port}. Stop it, or set PORT (0 selects a free port).`;
}

function isInteractive({ mode }: Config, { isTerminal: terminal }: CliContext): boolean {
  return mode === 'development' && terminal;
}

/** Formats the instructions for a new developer. @param url - URL of the gateway without a path. */
function formatWelcome(config: Config, url: string): string {
  const providers = Object.keys(config.webhookSecrets);
  const secrets = relative(process.cwd(), join(config.dataDir, SECRETS_FILE));
  const option = config.port === 0 ? ` -- --url ${url}` : '';
  const query = '{ users(first: 5) { nodes { externalUserId verificationStatus } } }';
  return `
KYC gateway, development mode

  GraphQL    ${url}/graphql
  Subscribe  ${url.replace(/^http/, 'ws')}/graphql
  Webhooks   ${url}/webhooks/<provider>   (${providers.join(', ')})
  API key    ${config.bootstrapApiKey ?? 'none; create one with `kyc-gateway keys create`'}
  Secrets    ${secrets}

In a second terminal, watch the changes:

  npm run watch${option}

In a third terminal, simulate a provider, then query the result:

  npm run simulate -- sumsub approve${option.replace(' --', '')}
  ${formatCurl(url, config.bootstrapApiKey, query)}
`;
}
