/** The gateway's logger: one JSON object a line, readable text for a developer, personal data and secrets in neither. */

import pino from 'pino';
import pretty from 'pino-pretty';
import { createRedact, type Redact } from './redact';
import { isError, serializeError } from './serialize-error';

/** Passed in wherever something is logged; tests pass `silentLog`. */
export type Logger = pino.Logger;

export interface LoggerOptions {
  readonly level: pino.LevelWithSilent;
  /** Text for people instead of JSON. For development, on a terminal. */
  readonly pretty: boolean;
  /** Names whose values are personal data: those of the fields that the schema marks so. */
  readonly personal: Iterable<string>;
  /** Where lines go, each with its line break; standard output if absent. */
  readonly destination?: pino.DestinationStream;
}

/**
 * Whatever is logged passes `Redact`, at any depth and under any name. Lines are written synchronously, so that the last
 * one before a crash is there.
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
      serializers: { err: (record: unknown) => record }, // `redact` has been there by then
      hooks: { logMethod },
    },
    destinationOf(options),
  );
  return redactChildren(log, redact);
}

/** What a child logger is made with passes no formatter; children inherit this method, so it holds for theirs too. */
function redactChildren(log: Logger, redact: Redact): Logger {
  const make: (this: Logger, bindings: pino.Bindings, options?: object) => Logger = log.child;
  return Object.assign(log, {
    child(this: Logger, bindings: pino.Bindings, options?: object): Logger {
      return make.call(this, redact(bindings), options ?? {});
    },
  });
}

function destinationOf({ pretty: readable, destination }: LoggerOptions): pino.DestinationStream {
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
 * Without a message of the caller's, pino takes that of the error as it is; the error may come from a library and quote
 * what it choked on, so ours is put there first.
 */
function logMethod(this: pino.Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first, message] = args;
  const error = message === undefined ? errorOf(first) : undefined;
  if (error === undefined) {
    method.apply(this, args);
  } else {
    const record = isError(first) ? { err: first } : first;
    method.apply(this, [record, serializeError(error).message]);
  }
}

function errorOf(logged: unknown): Error | undefined {
  if (isError(logged)) return logged;
  if (typeof logged !== 'object' || logged === null || !('err' in logged)) return undefined;
  return isError(logged.err) ? logged.err : undefined;
}
