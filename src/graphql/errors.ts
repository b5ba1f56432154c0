/** The one place where errors become GraphQL errors: named ones with their code, all others masked. */

import { randomUUID } from 'node:crypto';
import { isNativeError } from 'node:util/types';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CursorExpiredError, type ErrorCode, GatewayError } from '../domain/errors';

/** Where masked errors are written in full. */
export interface ErrorLog {
  error(details: object, message: string): void;
}

/**
 * Makes the formatter for every error that leaves over HTTP or WebSocket.
 *
 * Errors of ours keep their code and message. What is wrong with the request itself (syntax, validation, variables)
 * keeps the wording of the GraphQL library, which speaks of the request alone. Anything else is `INTERNAL` with an id
 * under which the log has the whole of it.
 */
export function formatError(log: ErrorLog): (error: unknown) => GraphQLFormattedError {
  return (error) => {
    const place = error instanceof GraphQLError ? placeOf(error) : {};
    const cause = rootCause(error);
    if (cause instanceof GatewayError) {
      return { message: cause.message, ...place, extensions: extensionsOf(cause) };
    }
    if (error instanceof GraphQLError && isFaultOfRequest(error, cause)) {
      return { message: error.message, ...place, extensions: { code: requestCode(error) } };
    }
    const id = randomUUID();
    log.error({ id, path: place.path, err: describe(cause) }, 'an operation failed');
    return {
      message: 'something went wrong on our side; the id finds it in the log',
      ...place,
      extensions: { code: 'INTERNAL', id },
    };
  };
}

/** The words that GraphQL clients know, where there is one for what we mean. */
const CODES: Partial<Record<ErrorCode, string>> = { INPUT_INVALID: 'BAD_USER_INPUT' };

function extensionsOf(error: GatewayError): Record<string, unknown> {
  const code = CODES[error.code] ?? error.code;
  return error instanceof CursorExpiredError
    ? { code, oldestCursor: error.oldestCursor }
    : { code };
}

function placeOf({
  locations,
  path,
}: GraphQLError): Pick<GraphQLFormattedError, 'locations' | 'path'> {
  return { ...(locations && { locations }), ...(path && { path }) };
}

function rootCause(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError
    ? rootCause(error.originalError)
    : error;
}

/**
 * Whether the GraphQL library (or the server around it) found fault with the request. Such an error has no path, or has
 * a code of its own, or points at an argument. What is left is a value of ours that a type would not take.
 */
function isFaultOfRequest(error: GraphQLError, cause: unknown): boolean {
  if (!(cause instanceof GraphQLError)) return false;
  return !error.path || typeof cause.extensions.code === 'string' || cause.nodes !== undefined;
}

function requestCode(error: GraphQLError): string {
  const code = error.extensions.code;
  if (typeof code === 'string') return code;
  if (error.message.startsWith('Syntax Error')) return 'GRAPHQL_PARSE_FAILED';
  const variable = error.nodes?.some((node) => node.kind === 'VariableDefinition');
  return variable || error.path ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED';
}

/** Name, message and stack alone: other properties of an error may hold the values of a row. */
function describe(cause: unknown): object {
  if (!isNativeError(cause)) return { type: typeof cause };
  return { type: cause.name, message: cause.message, stack: cause.stack };
}
