/** The configuration and the logger, as every command that works on a gateway's data gets them. */

import { type Config, type Environment, loadConfig } from '../config';
import { ConfigError } from '../domain/errors';
import { personalNames } from '../graphql/personal';
import { createSchema } from '../graphql/schema';
import { createLogger, type Logger, type LoggerOptions } from '../observability/log';
import { PROVIDERS } from '../providers/registry';
import type { CliContext } from './context';
import { readEnvironment, readVariables } from './environment';

/** What is configured, without secrets that would have to be made. @throws {ConfigError} */
export function loadVariables(context: CliContext): Environment {
  const faults: string[] = [];
  const env = readVariables(context.env, context.dotEnvFile, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  return env;
}

/** @throws {ConfigError} naming every fault. */
export function loadConfiguration(context: CliContext): Config {
  const providerIds = PROVIDERS.map(({ id }) => id);
  const sources = readEnvironment(context.env, context.dotEnvFile, providerIds);
  return loadConfig(sources, providerIds);
}

/** Logs to standard error: standard output is for what the command was asked for. */
export function createCommandLogger(context: CliContext, config: Config): Logger {
  const destination = { write: (line: string) => context.complain(line.trimEnd()) };
  return createRedactingLogger({ level: quieter(config.logLevel), pretty: false, destination });
}

/** It hides what the schema marks as personal. */
export function createRedactingLogger(options: Omit<LoggerOptions, 'personal'>): Logger {
  return createLogger({ ...options, personal: personalNames(createSchema(PROVIDERS)) });
}

/** At `info` the store tells of its own housekeeping, which nobody asked a command about. */
function quieter(level: Config['logLevel']): Config['logLevel'] {
  return level === 'info' ? 'warn' : level;
}
