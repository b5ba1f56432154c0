/** The one place where errors become GraphQL errors: named ones with their code, all others masked. */

import { randomUUID } from 'node:crypto';
import { isNativeError } from 'node:util/types';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CursorExpiredError, type ErrorCode, GatewayError } from '../domain/errors';

/** Where masked errors are written, without what they may quote of a row: see `observability/error-record.ts`. */
export interface ErrorLog {
  error(details: object, message: string): void;
}

export interface ErrorFormatOptions {
  /** Whether a misspelt name is answered with those that are there. */
  readonly suggestions?: boolean;
}

/**
 * Makes the formatter for every error that leaves over HTTP or WebSocket.
 *
 * Errors of ours keep their code and message. What is wrong with the request itself (syntax, validation, variables)
 * keeps the wording of the GraphQL library, but for the values that it quotes. Anything else is `INTERNAL` with an id
 * under which the log has the whole of it.
 */
export function createErrorFormatter(
  log: ErrorLog,
  { suggestions = true }: ErrorFormatOptions = {},
): (error: unknown) => GraphQLFormattedError {
  return (error) => {
    const place = error instanceof GraphQLError ? getLocation(error) : {};
    const cause = findRootCause(error);
    if (cause instanceof GatewayError) {
      return { message: cause.message, ...place, extensions: getExtensions(cause) };
    }
    if (error instanceof GraphQLError && isRequestError(error, cause)) {
      const redacted = redactValues(error.message);
      const message = suggestions ? redacted : removeSuggestion(redacted);
      return { message, ...place, extensions: getRequestExtensions(error) };
    }
    const id = randomUUID();
    log.error({ id, path: place.path, err: toLoggable(cause) }, 'an operation failed');
    return {
      message: 'something went wrong on our side; the id finds it in the log',
      ...place,
      extensions: { code: 'INTERNAL', id },
    };
  };
}

/** What is told of a limit, beside the code. */
function getRequestExtensions(error: GraphQLError): Record<string, unknown> {
  const { cost, limit } = error.extensions;
  return { code: getRequestCode(error), ...(cost ? { cost } : {}), ...(limit ? { limit } : {}) };
}

/** The words that GraphQL clients know, where there is one for what we mean. */
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
 * Whether the GraphQL library (or the server around it) found fault with the request. Such an error has no path, or has
 * a code of its own, or points at an argument. What is left is a value of ours that a type would not take.
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

/** What is thrown and is no error may be anything, a row among them. */
function toLoggable(cause: unknown): object {
  return isNativeError(cause) ? cause : { type: typeof cause };
}

/**
 * What the GraphQL library says is wrong with a request, without the values that it quotes: one of them may be somebody's
 * name, and clients hand such messages on to wherever they gather errors. What was expected and where is enough.
 */

export function redactValues(message: string): string {
  return REDACTIONS.reduce((text, [quoted, told]) => text.replace(quoted, told), message);
}

/** The library has no switch for it. */
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
