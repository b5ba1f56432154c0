/** Runs commands in an empty folder and captures their output. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../src/cli/program';
import type { Environment } from '../../src/config/load-config';

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandLine {
  readonly folder: string;
  /** Runs a command in this process with its data in the folder. */
  run(...args: readonly string[]): Promise<Run>;
  runWith(env: Environment, ...args: readonly string[]): Promise<Run>;
  remove(): void;
}

export function createCommandLine(): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-cli-'));

  async function runWith(env: Environment, ...args: readonly string[]): Promise<Run> {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCli(args, {
      env: { DATA_DIR: join(folder, 'data'), ...env },
      dotEnvFile: join(folder, '.env'),
      print: (line) => out.push(`${line}\n`),
      printError: (line) => err.push(`${line}\n`),
      isTerminal: false,
    });
    return { code, out: out.join(''), err: err.join('') };
  }

  return {
    folder,
    run: (...args) => runWith({}, ...args),
    runWith,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
