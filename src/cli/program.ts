/** Command-line program: the list of commands and the output of errors. */

import { Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { ConfigError, GatewayError } from '../domain/errors';
import { isError, type SerializedError, serializeError } from '../observability/serialize-error';
import { addAudit } from './commands/audit';
import { addBackup } from './commands/backup';
import { addKeys } from './commands/keys';
import { addMigrate } from './commands/migrate';
import { addReconcile } from './commands/reconcile';
import { addReplay } from './commands/replay';
import { addRestore } from './commands/restore';
import { addSchema } from './commands/schema';
import { addSimulate } from './commands/simulate';
import { addStart } from './commands/start';
import { addWatch } from './commands/watch';
import { type CliContext, CliError } from './context';

const SUCCESS = 0;
const FAILURE = 1;

/**
 * Runs one command.
 *
 * @param args - Arguments without the interpreter and the script.
 * @returns The exit code.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  try {
    await createProgram(context).parseAsync(args, { from: 'user' });
    return SUCCESS;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.excessArguments' && isRunByNpm(context))
        context.printError(NPM_HINT);
      return error.exitCode; // commander has printed the message
    }
    for (const line of formatError(error, context)) context.printError(line);
    return FAILURE;
  }
}

/** All commands, in the order of `--help`. */
const COMMANDS = [
  addStart,
  addSimulate,
  addWatch,
  addKeys,
  addReplay,
  addReconcile,
  addAudit,
  addBackup,
  addRestore,
  addMigrate,
  addSchema,
];

function createProgram(context: CliContext): Command {
  const program = new Command('kyc-gateway')
    .description('Receives identity verification webhooks and serves them as one GraphQL API.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.printError(text.trimEnd()),
    })
    .showHelpAfterError('(Run the command with --help for details.)');

  for (const add of COMMANDS) add(program, context);
  program.hook('preAction', (_, command) => {
    const taken = isRunByNpm(context) ? findOptionTakenByNpm(command, context) : undefined;
    if (taken !== undefined) {
      throw new CliError(`npm did not pass ${taken} to the command. ${NPM_HINT}`);
    }
  });
  return program;
}

// ── npm ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const NPM_HINT =
  'With npm, write `--` before the arguments: npm run simulate -- sumsub approve --user ada';

function isRunByNpm({ env }: CliContext): boolean {
  return env.npm_lifecycle_event !== undefined;
}

/** Returns the first option of the command that npm took as its own. npm sets a variable for each of its options. */
function findOptionTakenByNpm(command: Command, { env }: CliContext): string | undefined {
  const taken = command.options.find((option) => {
    const variable = `npm_config_${option.name().replaceAll('-', '_')}`;
    return env[variable] !== undefined && !isSetOnCommandLine(command, option.attributeName());
  });
  return taken?.long;
}

function isSetOnCommandLine(command: Command, attribute: string): boolean {
  return command.getOptionValueSource(attribute) === 'cli';
}

function formatError(error: unknown, { env }: CliContext): readonly string[] {
  const isDetailed = env.LOG_LEVEL === 'debug' || env.LOG_LEVEL === 'trace';
  if (!isError(error)) return ['The command failed without an error message.'];
  if (error instanceof ConfigError) {
    return [...formatFaults(error), ...(isDetailed ? formatCauses(serializeError(error)) : [])];
  }
  if (isDetailed) return formatTrace(serializeError(error));
  const isKnown = error instanceof CliError || error instanceof GatewayError;
  return isKnown ? [error.message] : [error.message, 'Run with LOG_LEVEL=debug for the stack.'];
}

function formatTrace(record: SerializedError): readonly string[] {
  return [`${record.type}: ${record.message}`, record.stack, ...formatCauses(record)];
}

function formatCauses({ cause }: SerializedError): readonly string[] {
  if (cause === undefined) return [];
  const [head = '', ...rest] = formatTrace(cause);
  return [`Caused by ${head}`, ...rest];
}

function formatFaults({ faults }: ConfigError): readonly string[] {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  return [`The configuration has ${count}:`, ...faults.map((fault) => `  ${fault}`)];
}
