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
  complain: (line) => process.stderr.write(`${line}\n`),
  terminal: process.stdout.isTTY === true,
});

// Ends even where something still holds the event loop, but not before what was printed has left.
exit.then((code) => process.stdout.write('', () => process.exit(code)));
