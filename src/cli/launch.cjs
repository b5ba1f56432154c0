#!/usr/bin/env node
/** Runs the built command line, for the scripts of package.json. */

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '../../dist/src/cli/main.js');
if (existsSync(main)) {
  require(main);
} else {
  console.error('The gateway is not built yet. Run: npm run build');
  process.exitCode = 1;
}
