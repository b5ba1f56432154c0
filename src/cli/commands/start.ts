/** `kyc-gateway start` */

import type { Command } from 'commander';
import type { Config } from '../../config/load-config';
import { ConfigError } from '../../domain/errors';
import { runGateway } from '../../main';
import { createRedactingLogger, loadConfiguration } from '../configuration';
import { type CliContext, CliError } from '../context';
import { isSystemError } from '../generated-secrets';
import { welcome } from '../welcome';

export function addStart(program: Command, context: CliContext): void {
  program
    .command('start')
    .description('run the gateway until SIGTERM or SIGINT')
    .action(() => start(context));
}

async function start(context: CliContext): Promise<void> {
  const config = loadConfiguration(context);
  const pretty = isForReading(config, context);
  const log = createRedactingLogger({ level: config.logLevel, pretty });
  try {
    await runGateway(config, log, ({ url }) => {
      if (config.mode === 'development') context.print(welcome(config, url));
    });
  } catch (cause) {
    throw inWordsOfConfiguration(cause, config);
  }
}

/** What keeps a server from listening; anything else stays as it is. */
function inWordsOfConfiguration(cause: unknown, config: Config): unknown {
  if (isSystemError(cause, 'EACCES') && cause.syscall === 'listen') {
    return new ConfigError(
      [`PORT: this user may not listen on ${config.port} (EACCES); set 1024 or higher`],
      { cause },
    );
  }
  if (isSystemError(cause, 'EADDRINUSE')) return new CliError(portTaken(config), { cause });
  if (isSystemError(cause, 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN')) {
    const fault = `HOST: ${config.host} is no address of this machine (${cause.code})`;
    return new ConfigError([fault], { cause });
  }
  return cause;
}

function portTaken({ host, port }: Config): string {
  return `Something listens on ${host}:${port} already. Stop it, or set PORT (0 picks a free one).`;
}

function isForReading({ mode }: Config, { terminal }: CliContext): boolean {
  return mode === 'development' && terminal;
}
