/** Configuration, logger and store of commands. */

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

/** Loads the variables without generating secrets. @throws {ConfigError} */
export function loadVariables(context: CliContext): Environment {
  const faults: string[] = [];
  const env = readVariables(context.env, context.dotEnvFile, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  return env;
}

/** Loads the configuration. @throws {ConfigError} With every fault. */
export function loadConfiguration(context: CliContext): Config {
  return loadConfig(loadSources(context), PROVIDER_IDS);
}

/** Loads the sources of the configuration, including generated secrets. */
export function loadSources({ env, dotEnvFile }: CliContext): ConfigSources {
  return readEnvironment(env, dotEnvFile, PROVIDER_IDS);
}

/** Creates a logger to standard error, because standard output is for results. */
export function createCommandLogger(context: CliContext, config: Config): Logger {
  const destination = { write: (line: string) => context.printError(line.trimEnd()) };
  return createRedactingLogger({
    level: raiseInfoLevel(config.logLevel),
    pretty: false,
    destination,
  });
}

/** Opens the store, runs `work` and closes the store. */
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

/** Creates a logger that redacts the fields that the schema marks as personal. */
export function createRedactingLogger(options: Omit<LoggerOptions, 'personal'>): Logger {
  return createLogger({ ...options, personal: findPersonalFieldNames(createSchema(PROVIDERS)) });
}

/** Raises `info` to `warn`: a command does not log the maintenance of the store. */
function raiseInfoLevel(level: Config['logLevel']): Config['logLevel'] {
  return level === 'info' ? 'warn' : level;
}
