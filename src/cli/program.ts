/** The command line: which commands there are, and how a failure is told. */

import { Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { ConfigError, GatewayError } from '../domain/errors';
import { isError } from '../observability/error-record';
import { addAudit } from './audit';
import { addBackup } from './backup';
import { type CliContext, CliError } from './context';
import { addKeys } from './keys';
import { addMigrate } from './migrate';
import { addReconcile } from './reconcile';
import { addReplay } from './replay';
import { addRestore } from './restore';
import { addSchema } from './schema';
import { addSimulate } from './simulate';
import { addStart } from './start';
import { addWatch } from './watch';

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
    if (error instanceof CommanderError) return error.exitCode; // it has said so itself
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
  return program;
}

function tell(error: unknown, { env }: CliContext): readonly string[] {
  if (error instanceof ConfigError) return tellFaults(error);
  const detailed = env.LOG_LEVEL === 'debug' || env.LOG_LEVEL === 'trace';
  if (!isError(error)) return ['The command failed for a reason that it did not give.'];
  if (detailed && error.stack !== undefined) return [error.stack];
  const named = error instanceof CliError || error instanceof GatewayError;
  return named ? [error.message] : [error.message, '(LOG_LEVEL=debug shows where)'];
}

function tellFaults({ faults }: ConfigError): readonly string[] {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  return [`The configuration has ${count}:`, ...faults.map((fault) => `  ${fault}`)];
}
