/** The logger: JSON lines, or readable text in development. Redacts personal data and secrets in both. */

import pino from 'pino';
import pretty from 'pino-pretty';
import { createRedact, type Redact } from './redact';
import { isError, serializeError } from './serialize-error';

export type Logger = pino.Logger;

export interface LoggerOptions {
  readonly level: pino.LevelWithSilent;
  /** Whether to write readable text instead of JSON. For development, on a terminal. */
  readonly pretty: boolean;
  /** Names of fields that the schema marks as personal. */
  readonly personal: Iterable<string>;
  /** Receives each line with its line break. Default: standard output. */
  readonly destination?: pino.DestinationStream;
}

/**
 * Creates a logger that redacts every record, at any depth. Writes lines synchronously, so that the last line before a crash
 * is not lost.
 */
export function createLogger(options: LoggerOptions): Logger {
  const redact = createRedact(options.personal);
  const log = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: redact,
      },
      serializers: { err: (record: unknown) => record }, // `redact` has already serialized the error
      hooks: { logMethod },
    },
    openDestination(options),
  );
  return redactChildren(log, redact);
}

/** pino does not apply formatters to the bindings of child loggers. Children inherit this method, so it covers theirs, too. */
function redactChildren(log: Logger, redact: Redact): Logger {
  const make: (this: Logger, bindings: pino.Bindings, options?: object) => Logger = log.child;
  return Object.assign(log, {
    child(this: Logger, bindings: pino.Bindings, options?: object): Logger {
      return make.call(this, redact(bindings), options ?? {});
    },
  });
}

function openDestination({ pretty: readable, destination }: LoggerOptions): pino.DestinationStream {
  const target = destination ?? pino.destination({ fd: 1, sync: true });
  if (!readable) return target;
  const toText = pretty.prettyFactory({
    ignore: 'pid',
    translateTime: 'SYS:HH:MM:ss.l',
    colorize: true,
  });
  return { write: (line) => target.write(toText(line)) };
}

/**
 * Without a message, pino logs the message of the error unchanged. Errors of libraries may quote their input, so the
 * serialized message is passed instead.
 */
function logMethod(this: pino.Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first, message] = args;
  const error = message === undefined ? findError(first) : undefined;
  if (error === undefined) {
    method.apply(this, args);
  } else {
    const record = isError(first) ? { err: first } : first;
    method.apply(this, [record, serializeError(error).message]);
  }
}

function findError(logged: unknown): Error | undefined {
  if (isError(logged)) return logged;
  if (typeof logged !== 'object' || logged === null || !('err' in logged)) return undefined;
  return isError(logged.err) ? logged.err : undefined;
}
