/** The gateway as a process of its own, started, killed and started again on the same data. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface GatewayCommand {
  /** What Node is to run: `dist/src/cli/main.js start`, and what goes before it. */
  readonly args: readonly string[];
  /** The working folder. */
  readonly folder: string;
  /** All that the process has of an environment, beside what is needed to find programs. */
  readonly env: Readonly<Record<string, string>>;
}

export interface GatewayProcess {
  /** Starts it and waits until it listens. @throws {Error} with its last words if it ends before. */
  start(): Promise<void>;
  /** Where it listens, `http://127.0.0.1:<port>`; while it is killed, waits for the next start. */
  url(): Promise<string>;
  /** SIGKILL: nothing of it gets to run any more. */
  kill(): Promise<void>;
  /** SIGTERM. Answers the exit code. */
  stop(): Promise<number | null>;
}

const LISTENS = /"url":"(http:[^"]+)".*"the gateway listens"/;
const LAST_WORDS = 2000;

/** Every start is on a free port of its own: a fixed one could be taken while the gateway is down. */
export function createGatewayProcess({ args, folder, env }: GatewayCommand): GatewayProcess {
  let child: ChildProcess | undefined;
  let listening = createGate<string>();
  process.once('exit', () => child?.kill('SIGKILL')); // also where nobody came to end it

  function end(signal: NodeJS.Signals): Promise<unknown> {
    const ending = child;
    child = undefined; // from here on its end is expected
    listening = createGate();
    if (ending === undefined) return Promise.resolve([null]);
    const exited = once(ending, 'exit');
    ending.kill(signal);
    return exited.then(([code]) => code);
  }

  return {
    url: () => listening.opened,
    async start() {
      const gate = listening;
      const started = spawn(process.execPath, args, {
        cwd: folder,
        env: { PATH: process.env.PATH ?? '', PORT: '0', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      let output = '';
      const listen = (text: string) => {
        output = (output + text).slice(-LAST_WORDS);
        const url = LISTENS.exec(output)?.[1];
        if (url !== undefined) gate.open(url);
      };
      started.stdout.setEncoding('utf8').on('data', listen);
      started.stderr.setEncoding('utf8').on('data', listen);
      started.once('exit', (code, signal) => {
        if (child !== started) return;
        const error = new Error(`the gateway ended by itself (${code ?? signal}): ${output}`);
        gate.fail(error);
        listening = createGate();
        listening.fail(error);
      });
      await gate.opened;
    },
    async kill() {
      await end('SIGKILL');
    },
    async stop() {
      const code = await end('SIGTERM');
      return typeof code === 'number' ? code : null;
    },
  };
}

interface Gate<T> {
  readonly opened: Promise<T>;
  open(value: T): void;
  fail(error: Error): void;
}

function createGate<T>(): Gate<T> {
  let open: (value: T) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const opened = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  opened.catch(() => {}); // told to whoever waits; nobody has to
  return { opened, open, fail };
}
