/** What of an error may be logged. */

import { isNativeError } from 'node:util/types';

export interface SerializedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** Frames only: the head of a stack repeats the message. */
  readonly stack: string;
  readonly cause?: SerializedError;
}

const DEEPEST_CAUSE = 5;

/** Also an error of another realm, and a `DOMException`, such as a timeout, which Node does not count as an error. */
export function isError(value: unknown): value is Error {
  return isNativeError(value) || value instanceof DOMException;
}

/**
 * Keeps name, code, message, frames and cause, and nothing else: errors of libraries carry query parameters, inputs and
 * whole bodies in further properties. Parsers quote the text that they could not read, so what they say is dropped too.
 */
export function serializeError(error: Error, depth = 0): SerializedError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = isError(error.cause) && depth < DEEPEST_CAUSE ? error.cause : undefined;
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: messageOf(error),
    stack: framesOf(error),
    ...(cause === undefined ? {} : { cause: serializeError(cause, depth + 1) }),
  };
}

/** What shows the value that it would not have. */
const QUOTING: readonly (readonly [RegExp, string])[] = [
  [/\bReceived\b.*/s, 'Received …'], // Node: of an argument
  [/(cannot represent [^:]*): .*/s, '$1: …'], // GraphQL: of a field
  [/: ".*"$/s, ': "…"'], // PostgreSQL: of a column
];

function messageOf(error: Error): string {
  if (error instanceof SyntaxError || error.name === 'SyntaxError')
    return 'text that cannot be parsed';
  if (error.message === '' && 'errors' in error && Array.isArray(error.errors)) {
    // Node: a host with several addresses, none of which answers.
    return error.errors.filter(isError).map(messageOf).join('; ');
  }
  return QUOTING.reduce(
    (message, [quoted, hidden]) => message.replace(quoted, hidden),
    error.message,
  );
}

function framesOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n');
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}
