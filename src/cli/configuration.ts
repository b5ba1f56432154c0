/** The configuration and the logger, as every command that works on a gateway's data gets them. */

import { type Config, loadConfig } from '../config';
import { createLogger, type Logger } from '../observability/log';
import { PROVIDERS } from '../providers/registry';
import type { CliContext } from './context';
import { readEnvironment } from './environment';

/** @throws {ConfigError} naming every fault. */
export function loadConfiguration(context: CliContext): Config {
  const providerIds = PROVIDERS.map(({ id }) => id);
  const sources = readEnvironment(context.env, context.dotEnvFile, providerIds);
  return loadConfig(sources, providerIds);
}

/** Logs to standard error: standard output is for what the command was asked for. */
export function createCommandLogger(context: CliContext, config: Config): Logger {
  const destination = { write: (line: string) => context.complain(line.trimEnd()) };
  return createLogger({ level: quieter(config.logLevel), pretty: false, destination });
}

/** At `info` the store tells of its own housekeeping, which nobody asked a command about. */
function quieter(level: Config['logLevel']): Config['logLevel'] {
  return level === 'info' ? 'warn' : level;
}
