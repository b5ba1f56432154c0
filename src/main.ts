/** The gateway as a process: starts it, drains it on SIGTERM, and ends rather than go on after an error nobody named. */

import type { Config } from './config/load-config';
import { createGateway, type Gateway } from './gateway';
import type { Logger } from './observability/log';
import { isError } from './observability/serialize-error';

/** Long enough for requests and commits under way, shorter than the 30 s after which Kubernetes kills. */
const DRAIN_TIMEOUT_MS = 20_000;

/**
 * Runs until SIGTERM or SIGINT; a second signal ends the process at once.
 *
 * @param started - Called when the gateway listens.
 */
export async function runGateway(
  config: Config,
  log: Logger,
  started: (gateway: Gateway) => void,
): Promise<void> {
  dieOnUnnamedErrors(log);
  const stopRequested = nextSignal(); // from here on: a signal while starting must not be lost
  const gateway = await createGateway(config, log, { recordsInThread: true });
  log.info({ url: gateway.url, mode: config.mode }, 'the gateway listens');
  started(gateway);

  const signal = await stopRequested;
  void nextSignal().then((second) => die(log, `ended by a second ${second}`));
  log.info({ signal }, 'stopping; a second signal ends the process at once');
  setTimeout(() => die(log, 'could not stop in time'), DRAIN_TIMEOUT_MS).unref();
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

/** State is on disk only, so a restart is the repair; to go on with who knows what in memory is none. */
function dieOnUnnamedErrors(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error that nobody caught');
    process.exit(1);
  });
  process.on('unhandledRejection', (reason) => {
    const error = isError(reason) ? reason : new Error('rejected without an error');
    log.fatal({ err: error }, 'a rejection that nobody handled');
    process.exit(1);
  });
}

function die(log: Logger, message: string): never {
  log.fatal(message);
  process.exit(1);
}
