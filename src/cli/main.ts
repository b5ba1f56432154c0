#!/usr/bin/env node
import 'reflect-metadata';
/** The executable `kyc-gateway`. */

import { readProcessEnv, reserveThreads } from '../config/load-config';
import { runCli } from './program';

reserveThreads();
const exit = runCli(process.argv.slice(2), {
  env: readProcessEnv(),
  dotEnvFile: '.env',
  print: (line) => process.stdout.write(`${line}\n`),
  printError: (line) => process.stderr.write(`${line}\n`),
  isTerminal: process.stdout.isTTY === true,
});

// Exits even if the event loop is not empty, but only after the output is flushed.
exit.then((code) => process.stdout.write('', () => process.exit(code)));
