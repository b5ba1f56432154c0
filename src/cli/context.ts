/** Context and errors of commands. */

import { userInfo } from 'node:os';
import type { Environment } from '../config/load-config';
import { cliActor } from '../domain/audit';

export interface CliContext {
  /** Variables of the process. */
  readonly env: Environment;
  /** Path of the file that supplies variables in development. */
  readonly dotEnvFile: string;
  /** Writes a line to standard output. For results. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. For progress and warnings. */
  readonly printError: (line: string) => void;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
}

/** A command failed. The message is printed without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** Actor of commands in the change log, which contains no account names. */
export const COMMAND_LINE = 'command line';

/** Returns the actor of commands in the audit log, for example `cli:root`, or the user ID of an account without a name. */
export function commandLineActor(): string {
  try {
    return cliActor(userInfo().username);
  } catch {
    return cliActor(`uid ${process.getuid?.() ?? 'unknown'}`);
  }
}
