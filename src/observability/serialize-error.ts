/** Converts errors to records that are safe to log. */

import { isNativeError } from 'node:util/types';

export interface SerializedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** Stack frames only, because the head of a stack repeats the message. */
  readonly stack: string;
  readonly cause?: SerializedError;
}

const MAX_CAUSE_DEPTH = 5;

/** Whether the value is an error, including errors of other realms and `DOMException` (for example a timeout). */
export function isError(value: unknown): value is Error {
  return isNativeError(value) || value instanceof DOMException;
}

/**
 * Returns name, code, message, stack frames and causes. Drops all other properties, because errors of libraries carry query
 * parameters, inputs and bodies there. Drops messages of parsers, because they quote their input.
 */
export function serializeError(error: Error, depth = 0): SerializedError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = isError(error.cause) && depth < MAX_CAUSE_DEPTH ? error.cause : undefined;
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: toMessage(error),
    stack: toFrames(error),
    ...(cause === undefined ? {} : { cause: serializeError(cause, depth + 1) }),
  };
}

/** Parts of messages that quote a rejected value, and their replacements. */
const QUOTING: readonly (readonly [RegExp, string])[] = [
  [/\bReceived\b.*/s, 'Received …'], // Node: of an argument
  [/(cannot represent [^:]*): .*/s, '$1: …'], // GraphQL: of a field
  [/: ".*"$/s, ': "…"'], // PostgreSQL: of a column
];

function toMessage(error: Error): string {
  if (error instanceof SyntaxError || error.name === 'SyntaxError')
    return 'text that cannot be parsed';
  if (error.message === '' && 'errors' in error && Array.isArray(error.errors)) {
    // Node.js: all addresses of a host failed.
    return error.errors.filter(isError).map(toMessage).join('; ');
  }
  return QUOTING.reduce(
    (message, [quoted, hidden]) => message.replace(quoted, hidden),
    error.message,
  );
}

function toFrames(error: Error): string {
  const lines = (error.stack ?? '').split('\n');
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}
