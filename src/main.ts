/** The gateway process: starts the gateway, drains it on SIGTERM, and exits after an unexpected error. */

import type { Config } from './config/load-config';
import { createGateway, type Gateway } from './gateway';
import type { Logger } from './observability/log';
import { isError } from './observability/serialize-error';

/** Long enough for open requests and commits, and shorter than the 30 s after which Kubernetes kills the process. */
const DRAIN_TIMEOUT_MS = 20_000;

/**
 * Runs until SIGTERM or SIGINT; a second signal ends the process at once.
 *
 * @param started - Called when gateway is listening.
 */
export async function runGateway(
  config: Config,
  log: Logger,
  started: (gateway: Gateway) => void,
): Promise<void> {
  exitOnUnexpectedErrors(log);
  const stopRequested = nextSignal(); // registered first, so that a signal during the start is not lost
  const gateway = await createGateway(config, log, { recordsInThread: true });
  log.info({ url: gateway.url, mode: config.mode }, 'gateway is listening');
  started(gateway);

  const signal = await stopRequested;
  void nextSignal().then((second) => exitWith(log, `exited after a second ${second}`));
  log.info({ signal }, 'stopping; a second signal exits immediately');
  setTimeout(() => exitWith(log, 'failed to stop in time'), DRAIN_TIMEOUT_MS).unref();
  await gateway.stop();
  log.info('stopped');
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    function receive(signal: NodeJS.Signals): void {
      process.off('SIGTERM', receive);
      process.off('SIGINT', receive);
      resolve(signal);
    }
    process.on('SIGTERM', receive);
    process.on('SIGINT', receive);
  });
}

/** After an unexpected error, memory may be inconsistent. State is only on disk, so a restart recovers. */
function exitOnUnexpectedErrors(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (reason) => {
    const error = isError(reason)
      ? reason
      : new Error('rejected with a value that is not an error');
    log.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
}

function exitWith(log: Logger, message: string): never {
  log.fatal(message);
  process.exit(1);
}
