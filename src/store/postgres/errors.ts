/** Distinguishes errors of a statement from an unavailable database. */

import { isNativeError } from 'node:util/types';
import { DatabaseError } from 'pg';
import { GatewayError, StoreUnavailableError } from '../../domain/errors';

/**
 * Classes and codes of SQLSTATE that do not depend on the statement: connection, authentication, a server that has become a
 * replica, deadlock, resources, a time limit or a lock timeout, a server that stops or starts, I/O.
 */
const UNAVAILABLE = /^(08|28|53|57|58)|^(25006|25P03|3D000|40001|40P01|55P03|XX00[12])$/;

/**
 * Text that the encoding of the database cannot hold (22021, 22P05), a number out of range (22003), a value that is too large
 * for an index (54000) or a statement that is too complex (54001): the same request fails every time.
 */
const UNSTORABLE = /^(22003|22021|22P05|5400[01])$/;

/**
 * Limits that the statements of a transaction may exceed every time: memory, time, a pause between two statements; and a connection
 * that the server ended. Does not include a full disk, a replica, a lock or a deadlock.
 */
const CAUSED_BY_STATEMENTS = /^(08|532|57014|57P01|57P05)|^25P03$/;

/** The server has ended the connection. */
const GONE = /^(08|57P)|^25P03$/;

/**
 * Maps an error of the driver: STORE_UNAVAILABLE if the same statement may succeed later, INPUT_INVALID if the database can
 * never store or compare one of its values. Returns any other error unchanged.
 */
export function toStoreError(error: unknown): unknown {
  if (isUnavailable(error)) return new StoreUnavailableError({ cause: error });
  if (error instanceof DatabaseError && UNSTORABLE.test(error.code ?? '')) {
    return new GatewayError('INPUT_INVALID', 'The database cannot store a value of this request.', {
      cause: error,
    });
  }
  return error;
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseError) return UNAVAILABLE.test(error.code ?? '');
  // An error that did not come from the server is an error of the connection: refused, reset, closed, timed out.
  return isNativeError(error) && !isLocal(error);
}

/**
 * Whether the error was thrown by this program. A text that is too long for V8 is an error of the statement: as an error of the
 * connection, its delivery would be refused forever instead of quarantined.
 */
function isLocal(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined;
  const named = error.name === 'TypeError' || error.name === 'RangeError';
  return named || error instanceof GatewayError || code === 'ERR_STRING_TOO_LONG';
}

/** See `TransactionControl.mayBeCausedByStatements`. */
export function mayBeCausedByStatements(error: unknown): boolean {
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  if (cause instanceof DatabaseError) return CAUSED_BY_STATEMENTS.test(cause.code ?? '');
  return isUnavailable(cause);
}

/** Whether the connection that reported this error must be closed. */
export function endsConnection(error: unknown): boolean {
  if (error instanceof DatabaseError) return GONE.test(error.code ?? '');
  return isUnavailable(error);
}
