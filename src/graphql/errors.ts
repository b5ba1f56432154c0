/** Conversion of errors to GraphQL errors. Known errors keep their code; all others are masked. */

import { randomUUID } from 'node:crypto';
import { isNativeError } from 'node:util/types';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CursorExpiredError, type ErrorCode, GatewayError } from '../domain/errors';

/** Log of masked errors. It redacts values of rows; see `observability/serialize-error.ts`. */
export interface ErrorLog {
  error(details: object, message: string): void;
}

export interface ErrorFormatOptions {
  /** Whether the error for a misspelled name contains suggestions. Default: true. */
  readonly suggestions?: boolean;
}

/**
 * Creates the formatter of all errors sent over HTTP and WebSocket.
 *
 * A `GatewayError` keeps its code and message. A request error (syntax, validation, variables) keeps the message of the
 * GraphQL library without the values that it quotes. Any other error becomes `INTERNAL` with an ID that finds the log entry.
 */
export function createErrorFormatter(
  log: ErrorLog,
  { suggestions = true }: ErrorFormatOptions = {},
): (error: unknown) => GraphQLFormattedError {
  return (error) => {
    const location = error instanceof GraphQLError ? getLocation(error) : {};
    const cause = findRootCause(error);
    if (cause instanceof GatewayError) {
      return { message: cause.message, ...location, extensions: getExtensions(cause) };
    }
    if (error instanceof GraphQLError && isRequestError(error, cause)) {
      const redacted = redactValues(error.message);
      const message = suggestions ? redacted : removeSuggestion(redacted);
      return { message, ...location, extensions: getRequestExtensions(error) };
    }
    const id = randomUUID();
    log.error({ id, path: location.path, err: toLoggable(cause) }, 'failed to execute operation');
    return {
      message:
        'An internal error occurred. Report the `id` to the operator, who can find the log entry.',
      ...location,
      extensions: { code: 'INTERNAL', id },
    };
  };
}

/** Returns the code and, for an exceeded limit, its values. */
function getRequestExtensions(error: GraphQLError): Record<string, unknown> {
  const { cost, limit } = error.extensions;
  return { code: getRequestCode(error), ...(cost ? { cost } : {}), ...(limit ? { limit } : {}) };
}

/** Codes of the GraphQL ecosystem that replace our own. */
const GRAPHQL_CODES: Partial<Record<ErrorCode, string>> = { INPUT_INVALID: 'BAD_USER_INPUT' };

function getExtensions(error: GatewayError): Record<string, unknown> {
  const code = GRAPHQL_CODES[error.code] ?? error.code;
  return error instanceof CursorExpiredError
    ? { code, oldestCursor: error.oldestCursor }
    : { code };
}

function getLocation({
  locations,
  path,
}: GraphQLError): Pick<GraphQLFormattedError, 'locations' | 'path'> {
  return { ...(locations && { locations }), ...(path && { path }) };
}

function findRootCause(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError
    ? findRootCause(error.originalError)
    : error;
}

/**
 * Whether the GraphQL library or the server rejected the request. Such an error has no path, has its own code, or points
 * at an argument. Otherwise a resolver returned a value that its type does not accept.
 */
function isRequestError(error: GraphQLError, cause: unknown): boolean {
  if (!(cause instanceof GraphQLError)) return false;
  return !error.path || typeof cause.extensions.code === 'string' || cause.nodes !== undefined;
}

function getRequestCode(error: GraphQLError): string {
  const code = error.extensions.code;
  if (typeof code === 'string') return code;
  if (error.message.startsWith('Syntax Error')) return 'GRAPHQL_PARSE_FAILED';
  const variable = error.nodes?.some((node) => node.kind === 'VariableDefinition');
  return variable || error.path ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED';
}

/** Returns only the type of a thrown value that is not an error, because it may be a row with personal data. */
function toLoggable(cause: unknown): object {
  return isNativeError(cause) ? cause : { type: typeof cause };
}

/**
 * Removes the values that the GraphQL library quotes in its messages. They may be personal data, and clients forward such
 * messages to error trackers.
 */
export function redactValues(message: string): string {
  return REDACTIONS.reduce(
    (text, [pattern, replacement]) => text.replace(pattern, replacement),
    message,
  );
}

/** Removes the suggestion, because the library has no option for it. */
export function removeSuggestion(message: string): string {
  return message.replace(/ ?Did you mean .*\?$/s, '');
}

const REDACTIONS: readonly (readonly [RegExp, string])[] = [
  [/^(Variable "\$\w+" got) invalid value .*$/s, '$1 an invalid value.'],
  [/^(Expected value of type "[^"]+"), found .*$/s, '$1.'],
  [/^(\w+|Enum "\w+") cannot represent .*$/s, '$1 cannot represent this value.'],
  [/^(Argument "\w+" has) invalid value .*$/s, '$1 an invalid value.'],
  [/^(Syntax Error: .*?\b(?:String|BlockString|Int|Float)) ".*$/s, '$1.'],
];
