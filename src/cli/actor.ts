/** Whom the logs name for what is done from the command line. */

import { userInfo } from 'node:os';
import { cliActor } from '../domain/audit';

/** In the change log, where no account is named. */
export const COMMAND_LINE = 'command line';

/** In the audit log. @returns e.g. `cli:root`; the number of an account that has no name. */
export function commandLineActor(): string {
  try {
    return cliActor(userInfo().username);
  } catch {
    return cliActor(`uid ${process.getuid?.() ?? 'unknown'}`);
  }
}
