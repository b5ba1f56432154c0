/** Tells an error of a statement from a database that is away. */

import { DatabaseError } from 'pg';
import { StoreUnavailableError } from '../../domain/errors';

/**
 * Classes and codes of SQLSTATE that say nothing of the statement: connection, authentication, a server that has become a
 * replica, deadlock, resources, a limit of time or a lock that was not to be had, a server that stops or starts, I/O.
 */
const AWAY = /^(08|28|53|57|58)|^(25006|25P03|3D000|40001|40P01|55P03|XX00[12])$/;

/** Such a connection is of no more use. */
const GONE = /^(08|57P)|^25P03$/;

/** Names an error of the driver's that says that the database is away; any other is as it was. */
export function toStoreError(error: unknown): unknown {
  return isAway(error) ? new StoreUnavailableError({ cause: error }) : error;
}

function isAway(error: unknown): boolean {
  if (error instanceof DatabaseError) return AWAY.test(error.code ?? '');
  // What the server has not said itself is of the connection: refused, reset, closed, timed out. A text that is too long for V8
  // is of the statement: a delivery that caused it would be refused forever instead of quarantined.
  return error instanceof Error && !isOfStatement(error) && !isNamed(error);
}

function isOfStatement(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined;
  return (
    error instanceof TypeError || error instanceof RangeError || code === 'ERR_STRING_TOO_LONG'
  );
}

function isNamed(error: Error): boolean {
  return error instanceof StoreUnavailableError || error.name === 'ConfigError';
}

/** Whether the connection on which this happened has to be thrown away. */
export function endsConnection(error: unknown): boolean {
  if (error instanceof DatabaseError) return GONE.test(error.code ?? '');
  return isAway(error);
}
