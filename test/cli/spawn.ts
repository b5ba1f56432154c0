/** Runs TypeScript in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Run } from './command-line';

export interface Spawned {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly output: () => string;
  /** Resolves when `text` has been printed; rejects if the process ends before. */
  readonly printed: (text: string) => Promise<void>;
  readonly finished: Promise<Run>;
}

/** @param env - All that the process has of an environment. */
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
      const look = () => {
        if (out.includes(text)) resolve();
      };
      child.stdout.on('data', look);
      finished.then(
        ({ err: why }) => reject(new Error(`ended without printing ${text}: ${why}`)),
        reject,
      );
      look();
    });
  }

  return { process: child, output: () => out, printed, finished };
}
