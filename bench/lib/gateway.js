/** The gateway as it is shipped: built, in production mode, with everything switched on that production has. */

const { execFileSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { startPeer } = require('./peer-process');
const { ROOT } = require('./gateway-modules');

/** Another build to measure, e.g. of an older version; its folder holds `dist`. */
const HOME = process.env.BENCH_GATEWAY ?? ROOT;
const PROGRAM = join(HOME, 'dist/src/cli/main.js');
const SECRET = 'a-secret-for-measuring-only-1234';

function environmentOf(dataDir) {
  return {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'info',
    DATA_KEYS: `bench:${Buffer.alloc(32, 7).toString('base64')}`,
    WEBHOOK_SECRETS_SUMSUB: SECRET,
    WEBHOOKS_PER_SECOND: '1000000', // all of the load comes from one address
  };
}

function assertBuilt() {
  if (!existsSync(PROGRAM)) throw new Error('expected a built gateway: npm run build');
}

/**
 * @param dataDir - Made if it is missing; the database is `kyc.sqlite` in it.
 * @param options.settings - Further environment variables.
 */
function startGateway(dataDir, { settings, ...options } = {}) {
  assertBuilt();
  return startPeer({
    name: 'gateway',
    command: [process.execPath, PROGRAM, 'start'],
    env: { ...environmentOf(dataDir), ...settings },
    readyPath: '/readyz',
    folder: dataDir,
    ...options,
  });
}

/** A stored key with the scope that reading needs. */
function createApiKey(dataDir, settings = {}) {
  const args = [PROGRAM, 'keys', 'create', '--name', 'bench', '--scope', 'read'];
  const env = { PATH: process.env.PATH, ...environmentOf(dataDir), ...settings };
  return execFileSync(process.execPath, args, {
    cwd: dataDir,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

module.exports = { createApiKey, PROGRAM, SECRET, startGateway };
