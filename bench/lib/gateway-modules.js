/** Requires what the gateway itself has installed, so that peers run on the same versions and sqlite3 is compiled once. */

const { createRequire } = require('node:module');
const { join } = require('node:path');

const ROOT = join(__dirname, '../..');

module.exports = { ROOT, gatewayRequire: createRequire(join(ROOT, 'package.json')) };
