/** Runs a TypeScript file in a child process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Run } from './command-line';

export interface Spawned {
  readonly process: ChildProcess;
  /** Returns the output so far. */
  readonly output: () => string;
  /** Resolves when `text` is printed. Rejects if the process exits before. */
  readonly printed: (text: string) => Promise<void>;
  readonly finished: Promise<Run>;
}

/** Starts the process. @param env - Complete environment of the process. */
export function spawnScript(
  script: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  folder = process.cwd(),
): Spawned {
  const hook = join(__dirname, 'typescript-hook.cjs');
  const child = spawn(process.execPath, ['-r', hook, script, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));

  const finished = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code: code ?? -1, out, err: signal === null ? err : `${err}${signal}` });
    });
  });

  function printed(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (out.includes(text)) resolve();
      };
      child.stdout.on('data', check);
      finished.then(
        ({ err: output }) => reject(new Error(`exited without printing ${text}: ${output}`)),
        reject,
      );
      check();
    });
  }

  return { process: child, output: () => out, printed, finished };
}
