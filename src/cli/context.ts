/** What a command has to do with the world. */

import type { Environment } from '../config/load-config';

export interface CliContext {
  /** The variables of the process. */
  readonly env: Environment;
  /** Path of the file that fills in variables in development. */
  readonly dotEnvFile: string;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. */
  readonly complain: (line: string) => void;
  /** Whether a person reads standard output. */
  readonly terminal: boolean;
}

/** A command that could not do what it was asked; its message is all that there is to say. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
