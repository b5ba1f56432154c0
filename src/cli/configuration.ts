/** The configuration, the logger and the store, as every command that works on a gateway's data gets them. */

import {
  type Config,
  type ConfigSources,
  type Environment,
  loadConfig,
} from '../config/load-config';
import { ConfigError } from '../domain/errors';
import { findPersonalFieldNames } from '../graphql/request/personal';
import { createSchema } from '../graphql/schema';
import { createLogger, type Logger, type LoggerOptions } from '../observability/log';
import { PROVIDER_IDS, PROVIDERS } from '../providers/registry';
import { openStore, type StoreOptions } from '../store/open-store';
import type { Store } from '../store/store';
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
  return loadConfig(loadSources(context), PROVIDER_IDS);
}

/** All that is configured, generated secrets included. */
export function loadSources({ env, dotEnvFile }: CliContext): ConfigSources {
  return readEnvironment(env, dotEnvFile, PROVIDER_IDS);
}

/** Logs to standard error: standard output is for what the command was asked for. */
export function createCommandLogger(context: CliContext, config: Config): Logger {
  const destination = { write: (line: string) => context.complain(line.trimEnd()) };
  return createRedactingLogger({ level: quieter(config.logLevel), pretty: false, destination });
}

/** The store is open while `work` goes on. */
export async function withStore(
  config: Config,
  log: Logger,
  options: StoreOptions,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const store = await openStore(config, log, options);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** It hides what the schema marks as personal. */
export function createRedactingLogger(options: Omit<LoggerOptions, 'personal'>): Logger {
  return createLogger({ ...options, personal: findPersonalFieldNames(createSchema(PROVIDERS)) });
}

/** At `info` the store tells of its own housekeeping, which nobody asked a command about. */
function quieter(level: Config['logLevel']): Config['logLevel'] {
  return level === 'info' ? 'warn' : level;
}
