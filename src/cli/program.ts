/** The command line: which commands there are, and how a failure is told. */

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
 * Runs one command to its end.
 *
 * @param args - Without the names of the interpreter and the script.
 * @returns the exit code.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  try {
    await createProgram(context).parseAsync(args, { from: 'user' });
    return SUCCESS;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.excessArguments' && isRunByNpm(context)) context.complain(NPM);
      return error.exitCode; // it has written its message itself
    }
    for (const line of tell(error, context)) context.complain(line);
    return FAILURE;
  }
}

/** In the order in which `--help` shows them. */
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
    .description('Receives identity-verification webhooks and serves one model as GraphQL.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.complain(text.trimEnd()),
    })
    .showHelpAfterError('(--help tells more)');

  for (const add of COMMANDS) add(program, context);
  program.hook('preAction', (_, command) => {
    const kept = isRunByNpm(context) ? keptByNpm(command, context) : undefined;
    if (kept !== undefined) throw new CliError(`npm kept ${kept} for itself. ${NPM}`);
  });
  return program;
}

// ── npm ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const NPM = 'With npm, options come after `--`: npm run simulate -- sumsub approve --user ada';

function isRunByNpm({ env }: CliContext): boolean {
  return env.npm_lifecycle_event !== undefined;
}

/** The first option of the command that npm took for one of its own: it sets a variable for each. */
function keptByNpm(command: Command, { env }: CliContext): string | undefined {
  const kept = command.options.find((option) => {
    const variable = `npm_config_${option.name().replaceAll('-', '_')}`;
    return env[variable] !== undefined && !isGiven(command, option.attributeName());
  });
  return kept?.long;
}

function isGiven(command: Command, attribute: string): boolean {
  return command.getOptionValueSource(attribute) === 'cli';
}

function tell(error: unknown, { env }: CliContext): readonly string[] {
  const detailed = env.LOG_LEVEL === 'debug' || env.LOG_LEVEL === 'trace';
  if (!isError(error)) return ['The command failed for a reason that it did not give.'];
  if (error instanceof ConfigError) {
    return [...tellFaults(error), ...(detailed ? tellCauses(serializeError(error)) : [])];
  }
  if (detailed) return tellTrace(serializeError(error));
  const named = error instanceof CliError || error instanceof GatewayError;
  return named ? [error.message] : [error.message, '(LOG_LEVEL=debug shows where)'];
}

function tellTrace(record: SerializedError): readonly string[] {
  return [`${record.type}: ${record.message}`, record.stack, ...tellCauses(record)];
}

function tellCauses({ cause }: SerializedError): readonly string[] {
  if (cause === undefined) return [];
  const [head = '', ...rest] = tellTrace(cause);
  return [`Caused by ${head}`, ...rest];
}

function tellFaults({ faults }: ConfigError): readonly string[] {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  return [`The configuration has ${count}:`, ...faults.map((fault) => `  ${fault}`)];
}
