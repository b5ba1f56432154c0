/** A server as a process of its own, which can be killed, frozen and started again. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess {
  /** Starts it and waits until it answers. @throws {Error} with its last words if it ends before. */
  start(): Promise<void>;
  /** Sends a signal, by default SIGKILL, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<void>;
  /** Connections stay, answers do not come. */
  freeze(): void;
  thaw(): void;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** User that runs the process. Default: the current user. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Whether it answers by now. */
  readonly answers: () => Promise<boolean>;
}

const LAST_WORDS = 2000;

export function createServerProcess(options: ServerCommand): ServerProcess {
  let child: ChildProcess | undefined;
  const leaveNothing = () => void child?.kill('SIGKILL'); // also if the test did not stop it

  return {
    async start() {
      const started = spawn(options.command, options.args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...options.user,
      });
      child = started;
      process.on('exit', leaveNothing);
      let output = '';
      const listen = (text: string) => {
        output = (output + text).slice(-LAST_WORDS);
      };
      started.stdout.setEncoding('utf8').on('data', listen);
      started.stderr.setEncoding('utf8').on('data', listen);
      while (!(await options.answers())) {
        if (started.exitCode !== null) throw new Error(`${options.command} ended: ${output}`);
        await sleep(20);
      }
    },
    async end(signal = 'SIGKILL') {
      const ending = child;
      child = undefined;
      process.off('exit', leaveNothing);
      if (ending === undefined || ending.exitCode !== null) return;
      const exited = once(ending, 'exit');
      ending.kill(signal);
      await exited;
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  };
}

/** A free port. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return address.port;
}
