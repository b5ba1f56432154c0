/** The gateway as a process of its own, started, killed and started again on the same data. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface GatewayCommand {
  /** Arguments of Node.js: its options, then `dist/src/cli/main.js start`. */
  readonly args: readonly string[];
  /** The working folder. */
  readonly folder: string;
  /** The whole environment of the process, except the variables needed to find programs. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the process is restarted after it exits, like under a supervisor. If false, an exit fails the drill. */
  readonly revived?: boolean;
}

export interface GatewayProcess {
  /** Starts it and waits until it listens. @throws {Error} with its last words if it ends before, unless it is revived. */
  start(): Promise<void>;
  /** URL, `http://127.0.0.1:<port>`. While the process is down, waits for the next start. */
  url(): Promise<string>;
  /** Current URL. `undefined` while the process is down. */
  readonly listensOn: string | undefined;
  /** Sends SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM. Answers the exit code. */
  stop(): Promise<number | null>;
  /** Sends a signal that does not end the process. */
  signal(signal: NodeJS.Signals): void;
  /** The last output before each unexpected exit. */
  readonly endings: readonly string[];
}

/** From here on `/readyz` sends traffic elsewhere, and a balancer does. */
const STOPS = '"stopping';
const LISTENS = /"url":"(http:[^"]+)".*"gateway is listening"/;
const LAST_WORDS = 8000; // characters: room for the stack of a native crash after the error line
const REVIVAL_MS = 200;

/** Every start is on a free port of its own: a fixed one could be taken while the gateway is down. */
export function createGatewayProcess(command: GatewayCommand): GatewayProcess {
  const { args, folder, env, revived = false } = command;
  const endings: string[] = [];
  let child: ChildProcess | undefined;
  let ending: ChildProcess | undefined;
  let revival: NodeJS.Timeout | undefined;
  let listensOn: string | undefined;
  let listening = createGate<string>();
  const leaveNothing = () => void child?.kill('SIGKILL'); // also if the drill did not stop it

  function run(): void {
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
      if (ending === started && output.includes(STOPS)) listensOn = undefined;
      const url = LISTENS.exec(output)?.[1];
      if (url === undefined || child !== started) return;
      listensOn = url;
      gate.open(url);
    };
    started.stdout.setEncoding('utf8').on('data', listen);
    started.stderr.setEncoding('utf8').on('data', listen);
    started.once('close', (code, signal) => {
      if (child !== started) return;
      endings.push(output);
      endedByItself(gate, new Error(`the gateway ended by itself (${code ?? signal}): ${output}`));
    });
  }

  function endedByItself(gate: Gate<string>, error: Error): void {
    listensOn = undefined;
    child = undefined;
    if (revived) {
      if (gate.isOpen()) listening = createGate();
      revival = setTimeout(run, REVIVAL_MS);
    } else {
      gate.fail(error);
      listening = createGate();
      listening.fail(error);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<unknown> {
    clearTimeout(revival);
    process.off('exit', leaveNothing);
    ending = child;
    child = undefined; // from here on its end is expected
    listening = createGate();
    if (ending === undefined) return null;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    const [code] = await exited;
    listensOn = undefined;
    return code;
  }

  return {
    endings,
    url: () => listening.opened,
    get listensOn() {
      return listensOn;
    },
    async start() {
      const gate = listening;
      process.on('exit', leaveNothing);
      run();
      await gate.opened;
    },
    async kill() {
      await end('SIGKILL');
    },
    async stop() {
      const code = await end('SIGTERM');
      return typeof code === 'number' ? code : null;
    },
    signal: (signal) => void child?.kill(signal),
  };
}

interface Gate<T> {
  readonly opened: Promise<T>;
  isOpen(): boolean;
  open(value: T): void;
  fail(error: Error): void;
}

function createGate<T>(): Gate<T> {
  let resolve: (value: T) => void = () => {};
  let fail: (error: Error) => void = () => {};
  let isOpen = false;
  const opened = new Promise<T>((onOpen, onFail) => {
    resolve = onOpen;
    fail = onFail;
  });
  opened.catch(() => {}); // handled by the caller that waits, if any
  return {
    opened,
    isOpen: () => isOpen,
    open(value) {
      isOpen = true;
      resolve(value);
    },
    fail,
  };
}
